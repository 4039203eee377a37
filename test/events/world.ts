import type { EventSettings } from '../../src/config/source.js';
import type { AccountFacts, AnswerFacts, Facts } from '../../src/enrichment/facts.js';
import { EVENT_NAMES } from '../../src/events/event.js';
import { ZERO_LSN } from '../../src/postgres/lsn.js';
import type { Commit, Transition } from '../../src/records/commit.js';
import { TABLES, type Row, type TableName } from '../../src/records/tables.js';

/** A whole row: what is not given is null. */
export function row<T extends TableName>(table: T, values: Partial<Row<T>>): Row<T> {
  const empty = Object.fromEntries(Object.keys(TABLES[table].columns).map((column) => [column, null]));
  return { ...empty, ...values } as unknown as Row<T>;
}

type AnyRow = Readonly<Record<string, string | null>>;

/** Tables in memory that answer as the directory does: the same object while nothing changed. */
export class World implements Facts {
  readonly #tables = new Map<TableName, Map<string, AnyRow>>();
  readonly #accounts = new Map<string, AccountFacts | null>();
  secondCards = new Set<string>();
  mergeSurvivors = new Set<string>();

  /** Records that the schema has none of. */
  empty = new Set<TableName>();

  isEmpty(table: TableName): boolean {
    return this.empty.has(table);
  }

  put<T extends TableName>(table: T, given: Row<T>): Row<T> {
    const rows = this.#tables.get(table) ?? new Map<string, AnyRow>();
    this.#tables.set(table, rows.set(this.keyOf(table, given), given));
    this.#accounts.clear();
    return given;
  }

  /** Changes columns of a row that is there. */
  patch<T extends TableName>(table: T, key: string, values: Partial<Row<T>>): Row<T> {
    const known = this.find(table, key);
    if (known === null) throw new Error(`no ${table} ${key}`);
    return this.put(table, { ...known, ...values });
  }

  remove(table: TableName, key: string): void {
    this.#tables.get(table)?.delete(key);
    this.#accounts.clear();
  }

  keyOf(table: TableName, given: object): string {
    return TABLES[table].key.map((column) => (given as AnyRow)[column]).join('/');
  }

  find<T extends TableName>(table: T, key: string): Row<T> | null {
    return (this.#tables.get(table)?.get(key) as unknown as Row<T> | undefined) ?? null;
  }

  #all<T extends TableName>(table: T): Row<T>[] {
    return [...(this.#tables.get(table)?.values() ?? [])] as unknown as Row<T>[];
  }

  merchant = (id: string) => this.find('loyalty.merchant', id);
  store = (id: string) => this.find('loyalty.store', id);
  card = (id: string) => this.find('loyalty.card', id);
  check = (id: string) => this.find('txn.pos_check', id);
  checkCard = (checkId: string, cardId: string) => this.find('txn.check_card', `${checkId}/${cardId}`);
  survey = (id: string) => this.find('survey.survey', id);
  invitation = (id: string) => this.find('survey.invitation', id);
  walletDefinition = (merchantId: string, code: string) =>
    this.find('loyalty.wallet_definition', `${merchantId}/${code}`);
  isSecondCard = (account: Row<'loyalty.account'>) => this.secondCards.has(account.account_id);
  isMergeSurvivor = (accountId: string) => this.mergeSurvivors.has(accountId);

  corporateStore(merchantId: string): Row<'loyalty.store'> | null {
    const corporate = this.#all('loyalty.store').find(
      (store) => store.merchant_id === merchantId && store.store_kind === 'CORPORATE',
    );
    return corporate ?? null;
  }

  questionCount(surveyId: string): number | null {
    const count = this.#all('survey.question').filter((question) => question.survey_id === surveyId).length;
    return count === 0 ? null : count;
  }

  answers(responseId: string): readonly AnswerFacts[] {
    return this.#all('survey.answer')
      .filter((answer) => answer.response_id === responseId)
      .map((answer) => ({
        questionId: answer.question_id,
        questionCode: this.find('survey.question', answer.question_id)?.question_code ?? null,
        choiceCode: answer.choice_code,
        numericValue: answer.numeric_value,
      }));
  }

  account(accountId: string): AccountFacts | null {
    const known = this.#accounts.get(accountId);
    if (known !== undefined) return known;
    const made = this.#accountFacts(accountId);
    this.#accounts.set(accountId, made);
    return made;
  }

  #accountFacts(accountId: string): AccountFacts | null {
    const account = this.find('loyalty.account', accountId);
    if (account === null) return null;
    const program = `${account.merchant_id}/${account.card_template_code}`;
    const wallets = this.#all('loyalty.account_wallet')
      .filter((wallet) => wallet.account_id === accountId)
      .map((wallet) => ({
        definition: this.walletDefinition(
          wallet.merchant_id,
          wallet.wallet_code,
        ) as Row<'loyalty.wallet_definition'>,
        balance: wallet.balance,
        lifetimeAdded: wallet.lifetime_added,
        lifetimeRedeemed: wallet.lifetime_redeemed,
        expirations: wallet.expirations,
        updatedAt: wallet.updated_at,
      }))
      .sort(
        (a, b) =>
          Number(a.definition.sort_order) - Number(b.definition.sort_order) ||
          Number(a.definition.wallet_code) - Number(b.definition.wallet_code),
      );
    return {
      account,
      guest: account.user_id === null ? null : this.find('loyalty.guest', account.user_id),
      primaryCard:
        this.#all('loyalty.card').find((card) => card.account_id === accountId && card.is_primary === 't') ??
        null,
      template: this.find('loyalty.card_template', program),
      tierLabel: this.find('loyalty.tier', `${program}/${account.tier_code}`)?.label ?? null,
      wallets: this.isEmpty('loyalty.account_wallet') ? null : wallets,
    };
  }
}

export interface CommitRows {
  commitTimeUs?: number;
  transactions?: readonly Row<'txn.transaction'>[];
  voided?: readonly string[];
  entries?: readonly Row<'txn.wallet_entry'>[];
  changedWallets?: ReadonlyMap<string, ReadonlySet<string>>;
  accounts?: readonly Transition<'loyalty.account'>[];
  checkins?: readonly Row<'loyalty.checkin'>[];
  referrals?: readonly Transition<'loyalty.referral'>[];
  recharges?: readonly Transition<'txn.recharge'>[];
  responses?: readonly Transition<'survey.response'>[];
}

function keyed<V>(values: readonly V[] | undefined, key: (value: V) => string | undefined): Map<string, V> {
  return new Map((values ?? []).map((value) => [key(value) ?? '', value]));
}

export const COMMIT_TIME_US = Date.UTC(2026, 10, 22) * 1000;

export function commitOf(rows: CommitRows): Commit {
  const entries = new Map<string, Row<'txn.wallet_entry'>[]>();
  for (const line of rows.entries ?? []) {
    entries.set(line.transaction_id, [...(entries.get(line.transaction_id) ?? []), line]);
  }
  return {
    endLsn: ZERO_LSN,
    commitTimeUs: rows.commitTimeUs ?? COMMIT_TIME_US,
    transactions: keyed(rows.transactions, (each) => each.transaction_id),
    voidedTransactionIds: new Set(rows.voided),
    entries,
    changedWallets: rows.changedWallets ?? new Map(),
    accounts: keyed(rows.accounts, ({ before, after }) => (after ?? before)?.account_id),
    checkins: keyed(rows.checkins, (each) => each.checkin_id),
    referrals: keyed(rows.referrals, ({ before, after }) => (after ?? before)?.referral_id),
    recharges: keyed(rows.recharges, ({ before, after }) => (after ?? before)?.recharge_id),
    responses: keyed(rows.responses, ({ before, after }) => (after ?? before)?.response_id),
    customs: new Map(),
  };
}

export function settingsOf(changes: Partial<EventSettings> = {}): EventSettings {
  return {
    name: 'default',
    merchantIds: null,
    events: new Set(EVENT_NAMES),
    identify: true,
    traits: new Set(),
    userId: { strategy: 'account_id', prefix: '' },
    cardNumber: { mode: 'FULL', hashKey: null },
    wallets: 'all',
    privacy: null,
    emitVoids: false,
    surveyAnswers: false,
    enabledFromUs: 0,
    ...changes,
  };
}
