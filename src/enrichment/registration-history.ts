import { compareKeys } from '../records/compare-keys.js';
import type { GatheredCommit } from '../records/gather.js';
import type { Row } from '../records/tables.js';
import type { Lookups, SiblingAccount } from './lookups.js';
import type { Needs } from './needs.js';
import { Recent } from './recent.js';
import { timestampOrNull } from './timestamp-or-null.js';

/** What a registration must know of the past: the guest's other accounts, and which accounts merges named. */
export class RegistrationHistory {
  /** Survivors that the stream has shown. */
  readonly #survivors = new Recent<true>();
  /** Survivors of the batch that the table shows, with the time of the merge. */
  readonly #mergedAtUs = new Map<string, number>();
  /** Accounts by guest and then id: from the table for the guests of the batch, and from the commits applied. */
  readonly #siblings = new Map<string, Map<string, SiblingAccount>>();
  #commitTimeUs = 0;

  async fetch(needs: Needs, lookups: Lookups): Promise<void> {
    const guests = [...needs.registeringGuests];
    const survivors = [...needs.possibleSurvivors];
    const [siblings, merges] = await Promise.all([
      guests.length === 0 ? [] : lookups.accountsOfGuests(guests),
      survivors.length === 0 ? [] : lookups.mergedInto(survivors),
    ]);
    this.#siblings.clear();
    this.#mergedAtUs.clear();
    for (const row of siblings) this.#addSibling(row);
    for (const { accountId, mergedAtUs } of merges) this.#mergedAtUs.set(accountId, mergedAtUs);
  }

  apply(commit: GatheredCommit): void {
    this.#commitTimeUs = commit.commitTimeUs;
    for (const id of commit.mergeSurvivors) this.#survivors.set(id, true);
    for (const { after } of commit.accounts.values()) if (after !== null) this.#addSibling(after);
  }

  isMergeSurvivor(accountId: string): boolean {
    if (this.#survivors.has(accountId)) return true;
    const mergedAtUs = this.#mergedAtUs.get(accountId);
    // A merge after this commit does not take the registration back.
    return mergedAtUs !== undefined && mergedAtUs <= this.#commitTimeUs;
  }

  isSecondCard(account: Row<'loyalty.account'>): boolean {
    if (account.user_id === null) return false;
    for (const other of this.#siblings.get(account.user_id)?.values() ?? []) {
      const sameProgram =
        other.merchant_id === account.merchant_id && other.card_template_code === account.card_template_code;
      if (!sameProgram || other.registration_source === 'IMPORT') continue;
      if (other.account_id !== account.account_id && this.#isEarlier(other, account)) return true;
    }
    return false;
  }

  trim(maxSurvivors: number): void {
    this.#survivors.trim(maxSurvivors);
    this.#siblings.clear();
    this.#mergedAtUs.clear();
  }

  #isEarlier(other: SiblingAccount, account: Row<'loyalty.account'>): boolean {
    const [theirs, ours] = [timestampOrNull(other.registered_at), timestampOrNull(account.registered_at)];
    if (theirs === null || ours === null) return false;
    // A version's commit is no earlier than the registration: an earlier one tells, a later one does not.
    const isOpen = other.isRegistrationTimeKnown === false && theirs > ours;
    return theirs === ours || isOpen ? compareKeys(other.account_id, account.account_id) < 0 : theirs < ours;
  }

  #addSibling(row: SiblingAccount): void {
    if (row.user_id === null) return;
    const known = this.#siblings.get(row.user_id);
    if (known === undefined) this.#siblings.set(row.user_id, new Map([[row.account_id, row]]));
    else known.set(row.account_id, row);
  }
}
