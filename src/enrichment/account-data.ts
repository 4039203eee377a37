import type { ChangeOf } from '../changes/transaction.js';
import type { GatheredCommit } from '../records/gather.js';
import { isForgotten } from '../records/guest-status.js';
import type { Row } from '../records/tables.js';
import { accountAsOf } from './account-as-of.js';
import { AccountEntry } from './account-entry.js';
import type { Lookups } from './lookups.js';
import { filled } from './merchant-data.js';
import type { Needs } from './needs.js';
import { Recent } from './recent.js';
import { timestampOrNull } from './timestamp-or-null.js';

/** Accounts with their wallets, the cards that lead to them and the guests behind them. */
export class AccountData {
  readonly #accounts = new Recent<AccountEntry>();
  readonly #cards = new Recent<Row<'loyalty.card'>>();
  readonly #guests = new Recent<Row<'loyalty.guest'>>();

  hasAccount(accountId: string): boolean {
    return this.#accounts.has(accountId);
  }

  hasCard(cardId: string): boolean {
    return this.#cards.has(cardId);
  }

  hasGuest(userId: string): boolean {
    return this.#guests.has(userId);
  }

  entry(accountId: string): AccountEntry | null {
    return this.#accounts.get(accountId) ?? null;
  }

  card(cardId: string): Row<'loyalty.card'> | null {
    return this.#cards.get(cardId) ?? null;
  }

  guest(userId: string): Row<'loyalty.guest'> | null {
    return this.#guests.get(userId) ?? null;
  }

  async fetch(needs: Needs, lookups: Lookups): Promise<void> {
    const unknown = new Map<string, number>();
    for (const [id, asOfUs] of needs.accounts) {
      if (!this.#accounts.touch(id) && !needs.madeHere.has(id)) unknown.set(id, asOfUs);
    }
    const ids = [...unknown.keys()];
    const unknownCards = [...needs.cards].filter((id) => !this.#cards.touch(id));
    if (ids.length === 0 && unknownCards.length === 0) return;
    const [accounts, wallets, cards] = await Promise.all([
      ids.length === 0 ? [] : lookups.accounts(ids),
      ids.length === 0 ? [] : lookups.wallets(unknown),
      lookups.cards(unknownCards, ids),
    ]);
    for (const found of accounts) {
      const { account_id: id } = found.row;
      this.#accounts.set(id, new AccountEntry(accountAsOf(found, unknown.get(id) ?? 0)));
    }
    for (const { row, balanceAsOf } of wallets)
      this.#accounts.get(row.account_id)?.setWallet(row, balanceAsOf);
    for (const card of cards) {
      this.#cards.set(card.card_id, card);
      if (card.account_id !== null && unknown.has(card.account_id)) {
        this.#accounts.get(card.account_id)?.cardChanged(card);
      }
    }
  }

  /** After `fetch`: which guests are needed is known only when their accounts are. */
  async fetchGuests(needs: Needs, commits: readonly GatheredCommit[], lookups: Lookups): Promise<void> {
    const unknown = new Set<string>();
    const want = (userId: string | null | undefined): void => {
      if (userId != null && !this.#guests.touch(userId)) unknown.add(userId);
    };
    for (const id of needs.accounts.keys()) want(this.#accounts.get(id)?.account.user_id);
    for (const commit of commits) {
      for (const [id, { after }] of commit.accounts) if (needs.accounts.has(id)) want(after?.user_id);
    }
    if (unknown.size === 0) return;
    const ids = [...unknown];
    const found = new Map((await lookups.guests(ids)).map((row) => [row.user_id, row]));
    // A guest that an account names and the table no longer has was deleted since: nothing of them is sent.
    for (const id of ids) this.#guests.set(id, found.get(id) ?? deletedGuest(id));
  }

  /** @param wanted whether an account made in this commit is worth holding. */
  applyAccounts({ accounts, commitTimeUs }: GatheredCommit, wanted: (accountId: string) => boolean): void {
    for (const [id, { before, after }] of accounts) {
      const entry = this.#accounts.get(id);
      if (after === null) this.#accounts.delete(id);
      else if (entry !== undefined) entry.setAccount(keptRegistration(before, after, entry, commitTimeUs));
      else if (before === null && wanted(id)) this.#accounts.set(id, new AccountEntry(after));
    }
  }

  applyBalances(lastBalances: GatheredCommit['lastBalances']): void {
    for (const [accountId, balances] of lastBalances) {
      const entry = this.#accounts.get(accountId);
      if (entry === undefined) continue;
      for (const [walletCode, balance] of balances) entry.setBalance(walletCode, balance);
    }
  }

  /** @returns the guest of whom nothing may be sent from here on, null for any other change. */
  applyGuest(change: ChangeOf<'loyalty.guest'>): string | null {
    if (change.row === null) {
      const id = change.old.user_id as string;
      this.#guests.set(id, deletedGuest(id));
      return id;
    }
    const id = change.row.user_id as string;
    const known = this.#guests.get(id) ?? null;
    if (change.op === 'insert' || known !== null) this.#guests.set(id, filled(change.row, known));
    return isForgotten(change.row.status) ? id : null;
  }

  applyCard(change: ChangeOf<'loyalty.card'>): void {
    if (change.row === null) {
      const id = change.old.card_id as string;
      this.#cards.delete(id);
      if (change.old.account_id != null) this.#accounts.get(change.old.account_id)?.cardGone(id);
      return;
    }
    const known = (change.old ??
      this.#cards.get(change.row.card_id as string) ??
      null) as Row<'loyalty.card'> | null;
    const row = filled(change.row, known);
    this.#cards.set(row.card_id, row);
    const previousAccount = change.old?.account_id;
    if (previousAccount != null && previousAccount !== row.account_id) {
      this.#accounts.get(previousAccount)?.cardGone(row.card_id);
    }
    if (row.account_id !== null) this.#accounts.get(row.account_id)?.cardChanged(row);
  }

  applyWallet(change: ChangeOf<'loyalty.account_wallet'>): void {
    const key = change.row ?? change.old;
    const entry = this.#accounts.get(key.account_id as string);
    if (entry === undefined) return;
    if (change.row === null) {
      entry.walletGone(key.wallet_code as string);
      return;
    }
    const row = filled(change.row, entry.wallet(key.wallet_code as string));
    entry.setWallet(row, row.balance);
  }

  /** To be read again when they are needed. */
  forgetGuests(): void {
    this.#guests.trim(0);
  }

  trim(maxAccounts: number, maxOthers: number): void {
    this.#accounts.trim(maxAccounts);
    this.#cards.trim(maxOthers);
    this.#guests.trim(maxOthers);
  }
}

/** A registered_at that a mapping takes from the commit is this commit's after any update: the one known before stands. */
function keptRegistration(
  before: Row<'loyalty.account'> | null,
  after: Row<'loyalty.account'>,
  { account }: AccountEntry,
  commitTimeUs: number,
): Row<'loyalty.account'> {
  const moved =
    before?.user_id != null &&
    before.registered_at === after.registered_at &&
    timestampOrNull(after.registered_at) === commitTimeUs;
  return moved ? { ...after, registered_at: account.registered_at } : after;
}

function deletedGuest(userId: string): Row<'loyalty.guest'> {
  return {
    user_id: userId,
    merchant_id: '',
    first_name: null,
    last_name: null,
    email: null,
    mobile_phone: null,
    email_opt_in: null,
    text_opt_in: null,
    status: 'DELETED',
  };
}
