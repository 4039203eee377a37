import type { Row, TableName } from '../records/tables.js';

/** An account as its table shows it now, with the time that version of the row was written (µs since 1970). */
export interface FoundAccount {
  readonly row: Row<'loyalty.account'>;
  readonly changedAtUs: number;
  /** False: `registered_at` is just when that version was committed, as a mapping has it where no column says when. */
  readonly isRegistrationTimeKnown: boolean;
}

export interface FoundWallet {
  readonly row: Row<'loyalty.account_wallet'>;
  /** Balance as of the asked commit, see ledger-as-of.ts. */
  readonly balanceAsOf: string;
}

export interface MerchantBundle {
  readonly merchants: readonly Row<'loyalty.merchant'>[];
  readonly templates: readonly Row<'loyalty.card_template'>[];
  readonly tiers: readonly Row<'loyalty.tier'>[];
  readonly definitions: readonly Row<'loyalty.wallet_definition'>[];
  readonly corporateStores: readonly Row<'loyalty.store'>[];
}

export type SiblingAccount = Pick<
  Row<'loyalty.account'>,
  'account_id' | 'merchant_id' | 'user_id' | 'card_template_code' | 'registered_at' | 'registration_source'
> & {
  /** As of FoundAccount. Default true: the stream has shown it. */
  readonly isRegistrationTimeKnown?: boolean;
};

/**
 * Reads what the stream has not given yet: each call is one round trip for any number of keys. Values are PostgreSQL's
 * text output under the session settings of the stream, so a looked-up row equals a streamed one byte for byte.
 */
export interface Lookups {
  /** Whether nothing gives rows of it, so that asking finds none. */
  isEmpty(table: TableName): boolean;
  accounts(ids: readonly string[]): Promise<readonly FoundAccount[]>;
  wallets(wanted: ReadonlyMap<string, number>): Promise<readonly FoundWallet[]>;
  /** Cards by id, and the primary cards of the accounts. */
  cards(cardIds: readonly string[], accountIds: readonly string[]): Promise<readonly Row<'loyalty.card'>[]>;
  guests(ids: readonly string[]): Promise<readonly Row<'loyalty.guest'>[]>;
  stores(ids: readonly string[]): Promise<readonly Row<'loyalty.store'>[]>;
  merchants(ids: readonly string[]): Promise<MerchantBundle>;
  checks(ids: readonly string[]): Promise<readonly Row<'txn.pos_check'>[]>;
  checkCards(checkIds: readonly string[]): Promise<readonly Row<'txn.check_card'>[]>;
  surveys(ids: readonly string[]): Promise<readonly Row<'survey.survey'>[]>;
  questions(surveyIds: readonly string[]): Promise<readonly Row<'survey.question'>[]>;
  invitations(ids: readonly string[]): Promise<readonly Row<'survey.invitation'>[]>;
  answers(responseIds: readonly string[]): Promise<readonly Row<'survey.answer'>[]>;
  accountsOfGuests(userIds: readonly string[]): Promise<readonly SiblingAccount[]>;
  /** Accounts that others were merged into, each with the earliest time of such a merge. */
  mergedInto(accountIds: readonly string[]): Promise<readonly { accountId: string; mergedAtUs: number }[]>;
}
