import type { Row, TableName } from '../records/tables.js';

/** One wallet of an account as of the commit being derived. Amounts are numeric text; null when unknown. */
export interface WalletFacts {
  readonly definition: Row<'loyalty.wallet_definition'>;
  readonly balance: string | null;
  readonly lifetimeAdded: string | null;
  readonly lifetimeRedeemed: string | null;
  /** JSON text of the array. */
  readonly expirations: string | null;
  /** timestamptz text. */
  readonly updatedAt: string | null;
}

/** Everything known of an account as of the commit being derived. */
export interface AccountFacts {
  readonly account: Row<'loyalty.account'>;
  /** The registered guest, null for an unregistered card. */
  readonly guest: Row<'loyalty.guest'> | null;
  readonly primaryCard: Row<'loyalty.card'> | null;
  readonly template: Row<'loyalty.card_template'> | null;
  readonly tierLabel: string | null;
  /** Every `account_wallet` row (hidden ones too), by sort_order, then code as a number; null: the schema has none. */
  readonly wallets: readonly WalletFacts[] | null;
}

/**
 * What derivation may ask, answered from memory: everything a commit's candidates need was fetched before.
 *
 * Guarantee: answers are as of the commit being derived, as the domain's rules define it (balances exact; guest, store,
 * tier, lifetime and expiry values the stream's last known, read from the table on first sight). null = no such row.
 * The same object is returned while nothing about it changed, so callers may cache by identity.
 */
export interface Facts {
  /** Whether the schema has no records of this kind at all. */
  isEmpty(table: TableName): boolean;
  merchant(merchantId: string): Row<'loyalty.merchant'> | null;
  store(storeId: string): Row<'loyalty.store'> | null;
  /** The merchant's CORPORATE store row. */
  corporateStore(merchantId: string): Row<'loyalty.store'> | null;
  account(accountId: string): AccountFacts | null;
  card(cardId: string): Row<'loyalty.card'> | null;
  walletDefinition(merchantId: string, walletCode: string): Row<'loyalty.wallet_definition'> | null;
  check(checkId: string): Row<'txn.pos_check'> | null;
  checkCard(checkId: string, cardId: string): Row<'txn.check_card'> | null;
  survey(surveyId: string): Row<'survey.survey'> | null;
  /** Number of questions of the survey, null when unknown. */
  questionCount(surveyId: string): number | null;
  invitation(invitationId: string): Row<'survey.invitation'> | null;
  /** Answers of a response as of the commit, by question_id; each with its question's code. */
  answers(responseId: string): readonly AnswerFacts[];
  /**
   * Another account of the same guest and card template, with a smaller (registered_at, account_id) and not from an
   * import, as of the commit: then a registration is a second card.
   */
  isSecondCard(account: Row<'loyalty.account'>): boolean;
  /** Named by a merged_into_account_id set in this or an earlier commit. */
  isMergeSurvivor(accountId: string): boolean;
}

export interface AnswerFacts {
  readonly questionId: string;
  readonly questionCode: string | null;
  readonly choiceCode: string | null;
  readonly numericValue: string | null;
}
