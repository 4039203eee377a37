import type { Change } from '../changes/transaction.js';
import type { GatheredCommit, Interest } from '../records/gather.js';
import type { Row, TableName } from '../records/tables.js';
import { AccountData } from './account-data.js';
import { CheckData } from './check-data.js';
import type { AccountFacts, AnswerFacts, Facts } from './facts.js';
import type { Lookups } from './lookups.js';
import { MerchantData } from './merchant-data.js';
import { needsOf, type Needs } from './needs.js';
import { RegistrationHistory } from './registration-history.js';
import { SurveyData } from './survey-data.js';

const MERCHANT_TABLES: readonly TableName[] = [
  'loyalty.merchant',
  'loyalty.card_template',
  'loyalty.tier',
  'loyalty.wallet_definition',
];

export interface DirectoryOptions {
  readonly lookups: Lookups;
  /** Judges an account's transition: only registrations need the guest's other accounts. */
  readonly isRegistration: (transition: {
    before: Row<'loyalty.account'> | null;
    after: Row<'loyalty.account'> | null;
  }) => boolean;
  /** Accounts kept between batches. Default 100,000 (about 3.7 kB each, with guest, card and four wallets). */
  readonly maxAccounts?: number;
  /** Guests, cards, stores, checks and responses kept, each. Default: twice the accounts. */
  readonly maxOthers?: number;
}

/**
 * Everything known of guests, accounts, cards, stores, wallets, checks and surveys, as of the commit being derived.
 *
 * Per batch of commits: `prefetch` reads what is needed and unknown, in a handful of statements for the whole batch;
 * then, commit by commit, `apply` brings the state to the end of that commit and the `Facts` answer from it. A look-up
 * may see the future of the commit that asked; what the stream says later sets it right again, and where an event
 * depends on it now (balances, registration, termination) the look-up is taken back to the commit's time.
 */
export class Directory implements Facts {
  readonly #options: DirectoryOptions;
  readonly #maxAccounts: number;
  readonly #maxOthers: number;
  readonly #merchants = new MerchantData();
  readonly #accounts = new AccountData();
  readonly #checks = new CheckData();
  readonly #surveys = new SurveyData();
  readonly #registrations: RegistrationHistory;
  #wanted: Needs | null = null;

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#maxAccounts = options.maxAccounts ?? 100_000;
    this.#maxOthers = options.maxOthers ?? 2 * this.#maxAccounts;
    this.#registrations = new RegistrationHistory();
  }

  /** Which rows of a huge transaction matter for the sake of what is kept here. */
  readonly interest: Interest = {
    account: (id) => this.#accounts.hasAccount(id),
    candidate: () => false,
    guest: (id) => this.#accounts.hasGuest(id),
    card: (id) => this.#accounts.hasCard(id),
    check: (id) => this.#checks.has(id),
    response: (id) => this.#surveys.hasResponse(id),
  };

  /** Reads from the database what the commits need and the stream has not given. Nothing is kept when it throws. */
  async prefetch(commits: readonly GatheredCommit[]): Promise<void> {
    const needs = needsOf(commits, (transition) => {
      return this.#options.isRegistration(transition as Parameters<DirectoryOptions['isRegistration']>[0]);
    });
    const { lookups } = this.#options;
    await Promise.all([
      this.#merchants.fetch(needs, lookups),
      this.#accounts.fetch(needs, lookups),
      this.#checks.fetch(needs, lookups),
      this.#surveys.fetch(needs, lookups),
      this.#registrations.fetch(needs, lookups),
    ]);
    // Which guests and stores are needed is known only when accounts and invitations are.
    await Promise.all([
      this.#accounts.fetchGuests(needs, commits, lookups),
      this.#merchants.fetchStores(this.#storesNamed(needs), lookups),
    ]);
    this.#wanted = needs;
  }

  /**
   * Brings the state to the end of this commit.
   * @returns guests that this commit deleted or anonymised: nothing more of them may be sent.
   */
  apply(commit: GatheredCommit): readonly string[] {
    const removedGuests: string[] = [];
    this.#registrations.apply(commit);
    this.#accounts.applyAccounts(commit, (id) => this.#wanted?.accounts.has(id) === true);
    for (const change of commit.stateChanges) this.#applyChange(change, removedGuests);
    this.#accounts.applyBalances(commit.lastBalances);
    return removedGuests;
  }

  /**
   * Forgets guests, stores and merchants' tables among these records, which the stream has not shown whole; before
   * `prefetch`, which reads them again. What depends on the time of a commit is kept.
   */
  forget(records: ReadonlySet<TableName>): void {
    if (records.has('loyalty.guest')) this.#accounts.forgetGuests();
    if (records.has('loyalty.store')) this.#merchants.forgetStores();
    if (MERCHANT_TABLES.some((table) => records.has(table)) || records.has('loyalty.store')) {
      this.#merchants.forgetMerchants();
    }
  }

  /** Forgets what was used longest ago; to be called when a batch has been derived. */
  trim(): void {
    this.#accounts.trim(this.#maxAccounts, this.#maxOthers);
    this.#merchants.trim(this.#maxOthers);
    this.#checks.trim(this.#maxOthers);
    this.#surveys.trim(this.#maxOthers);
    this.#registrations.trim(this.#maxOthers);
    this.#wanted = null;
  }

  // ---- facts -------------------------------------------------------------------------------------------------------

  isEmpty(table: TableName): boolean {
    return this.#options.lookups.isEmpty(table);
  }

  merchant(merchantId: string): Row<'loyalty.merchant'> | null {
    return this.#merchants.merchant(merchantId);
  }

  store(storeId: string): Row<'loyalty.store'> | null {
    return this.#merchants.store(storeId);
  }

  corporateStore(merchantId: string): Row<'loyalty.store'> | null {
    return this.#merchants.corporateStore(merchantId);
  }

  account(accountId: string): AccountFacts | null {
    const entry = this.#accounts.entry(accountId);
    if (entry === null) return null;
    const {
      merchant_id: merchantId,
      card_template_code: template,
      tier_code: tier,
      user_id: userId,
    } = entry.account;
    return entry.facts({
      guest: userId === null ? null : this.#accounts.guest(userId),
      template: this.#merchants.template(merchantId, template),
      tier: this.#merchants.tier(merchantId, template, tier),
      definitions: this.#merchants.definitions(merchantId),
      hasWallets: !this.isEmpty('loyalty.account_wallet'),
    });
  }

  card(cardId: string): Row<'loyalty.card'> | null {
    return this.#accounts.card(cardId);
  }

  walletDefinition(merchantId: string, walletCode: string): Row<'loyalty.wallet_definition'> | null {
    return this.#merchants.definitions(merchantId).get(walletCode) ?? null;
  }

  check(checkId: string): Row<'txn.pos_check'> | null {
    return this.#checks.check(checkId);
  }

  checkCard(checkId: string, cardId: string): Row<'txn.check_card'> | null {
    return this.#checks.checkCard(checkId, cardId);
  }

  survey(surveyId: string): Row<'survey.survey'> | null {
    return this.#surveys.survey(surveyId);
  }

  questionCount(surveyId: string): number | null {
    return this.#surveys.questionCount(surveyId);
  }

  invitation(invitationId: string): Row<'survey.invitation'> | null {
    return this.#surveys.invitation(invitationId);
  }

  answers(responseId: string): readonly AnswerFacts[] {
    return this.#surveys.answers(responseId);
  }

  isSecondCard(account: Row<'loyalty.account'>): boolean {
    return this.#registrations.isSecondCard(account);
  }

  isMergeSurvivor(accountId: string): boolean {
    return this.#registrations.isMergeSurvivor(accountId);
  }

  // ---- the stream --------------------------------------------------------------------------------------------------

  #applyChange(change: Change, removedGuests: string[]): void {
    switch (change.table) {
      case 'loyalty.merchant':
      case 'loyalty.card_template':
      case 'loyalty.tier':
      case 'loyalty.wallet_definition':
        this.#merchants.apply(change);
        return;
      case 'loyalty.store':
        this.#merchants.applyStore(change);
        return;
      case 'loyalty.guest': {
        const removed = this.#accounts.applyGuest(change);
        if (removed !== null) removedGuests.push(removed);
        return;
      }
      case 'loyalty.card':
        this.#accounts.applyCard(change);
        return;
      case 'loyalty.account_wallet':
        this.#accounts.applyWallet(change);
        return;
      case 'txn.pos_check':
        this.#checks.applyCheck(change);
        return;
      case 'txn.check_card':
        this.#checks.applyCard(change);
        return;
      case 'survey.survey':
      case 'survey.question':
      case 'survey.invitation':
      case 'survey.response':
      case 'survey.answer':
        this.#surveys.apply(change);
        return;
      case 'loyalty.account':
      case 'loyalty.checkin':
      case 'loyalty.referral':
      case 'txn.transaction':
      case 'txn.wallet_entry':
      case 'txn.recharge':
        return;
      default:
        change satisfies never;
    }
  }

  /** Stores named by what was fetched: by accounts that register, and by invitations. */
  #storesNamed(needs: Needs): ReadonlySet<string> {
    const named = new Set(needs.stores);
    for (const id of needs.invitations) {
      const storeId = this.#surveys.invitation(id)?.store_id;
      if (storeId != null) named.add(storeId);
    }
    return named;
  }
}
