import type { Knex } from 'knex';
import type { Relations } from '../mapping/mapping.js';
import { REFERENCE_MAPPING } from '../mapping/reference.js';
import type { WordWatch } from '../mapping/unknown-words.js';
import { databaseError } from '../postgres/database-error.js';
import { columnsOf, type Row, type TableName } from '../records/tables.js';
import {
  balanceAsOf,
  changedAtSql,
  LEDGER_LOOKS,
  tells,
  walletsAsOfSql,
  type LedgerLook,
  type Seen,
} from './ledger-as-of.js';
import { timestampOrNull } from './timestamp-or-null.js';
import type { FoundAccount, FoundWallet, Lookups, MerchantBundle, SiblingAccount } from './lookups.js';

export interface PostgresLookupsOptions {
  readonly knex: Knex;
  /** The server's track_commit_timestamp: exact "as of" with it, the rows' own clocks without. */
  readonly trackCommitTimestamp: boolean;
  /** Default: the tables of the reference schema. */
  readonly relations?: Relations;
  /** Called once per SELECT with what it was for. */
  readonly onLookup?: (what: string) => void;
  /** Sees every row of a record that was looked up. Default: nobody. */
  readonly watch?: WordWatch;
}

/** Values as the wire carries them: no Date, no double, the very text that logical replication sends. */
const AS_TEXT = { types: { getTypeParser: () => (value: string | null) => value } };

type TextRow = Readonly<Record<string, string | null>>;

/** `Lookups` over the database itself. Every statement is keyed by `= ANY (array)` on an indexed column. */
export function postgresLookups(options: PostgresLookupsOptions): Lookups {
  const { knex, trackCommitTimestamp, relations = REFERENCE_MAPPING.relations } = options;
  const accountChangedAt = changedAtSql('t', 'updated_at', trackCommitTimestamp);
  const walletsSql = walletsAsOfSql({ relations, trackCommitTimestamp });
  const accountTable = relations.from('loyalty.account');
  const mayBeVersion = relations.commitTimed('loyalty.account', 'registered_at').length > 0;
  const isKnown = (registeredAt: string | null | undefined, changedAtUs: number): boolean =>
    !mayBeVersion || timestampOrNull(registeredAt ?? null) !== changedAtUs;

  async function select(
    what: string,
    sql: string,
    bindings: readonly unknown[],
  ): Promise<readonly TextRow[]> {
    options.onLookup?.(what);
    try {
      const result = (await knex.raw(sql, bindings as Knex.RawBinding[]).options(AS_TEXT)) as {
        rows: TextRow[];
      };
      return result.rows;
    } catch (error) {
      throw databaseError(error, `looking up ${what}`);
    }
  }

  async function rows<T extends TableName>(
    table: T,
    where: string,
    bindings: readonly unknown[],
  ): Promise<Row<T>[]> {
    const from = relations.from(table);
    const found = await select(
      table,
      `SELECT ${columnList(relations, table)} FROM ${from} t WHERE ${where}`,
      bindings,
    );
    for (const row of found) options.watch?.(table, row);
    return found as unknown as Row<T>[];
  }

  function anyOf<T extends TableName>(table: T, column: keyof Row<T> & string): string {
    return `t.${column} = ANY (?::${relations.type(table, column)}[])`;
  }

  async function walletWindows(
    wanted: ReadonlyMap<string, number>,
    look: LedgerLook,
  ): Promise<readonly TextRow[]> {
    const times = [...wanted.values()];
    return await select('loyalty.account_wallet', walletsSql, [
      [...wanted.keys()],
      times,
      times.map((asOfUs) => (look.reachUs === null ? null : asOfUs - look.reachUs)),
      look.lines,
    ]);
  }

  return {
    isEmpty: (table) => relations.isEmpty(table),

    async accounts(ids) {
      const found = await select(
        'loyalty.account',
        `SELECT ${columnList(relations, 'loyalty.account')}, ${accountChangedAt} AS changed_at_us
           FROM ${accountTable} t WHERE ${anyOf('loyalty.account', 'account_id')}`,
        [ids],
      );
      return found.map(({ changed_at_us: changedAtUs, ...row }): FoundAccount => {
        const versionUs = Number(changedAtUs);
        return {
          row: row as unknown as Row<'loyalty.account'>,
          changedAtUs: versionUs,
          isRegistrationTimeKnown: isKnown(row.registered_at, versionUs),
        };
      });
    },

    async wallets(wanted) {
      const told = new Map<string, TextRow>();
      let open = wanted;
      for (const look of LEDGER_LOOKS) {
        if (open.size === 0) break;
        const again = new Map<string, number>();
        for (const row of await walletWindows(open, look)) {
          const wallet = `${row.account_id}\0${row.wallet_code}`;
          if (told.has(wallet)) continue;
          const asOfUs = open.get(row.account_id as string) ?? 0;
          if (tells(look, seenIn(row), asOfUs)) told.set(wallet, row);
          else again.set(row.account_id as string, asOfUs);
        }
        open = again;
      }
      return [...told.values()].map(foundWallet);
    },

    cards: (cardIds, accountIds) =>
      rows(
        'loyalty.card',
        `${anyOf('loyalty.card', 'card_id')} OR (${anyOf('loyalty.card', 'account_id')} AND t.is_primary)`,
        [cardIds, accountIds],
      ),
    guests: (ids) => rows('loyalty.guest', anyOf('loyalty.guest', 'user_id'), [ids]),
    stores: (ids) => rows('loyalty.store', anyOf('loyalty.store', 'store_id'), [ids]),

    async merchants(ids): Promise<MerchantBundle> {
      const where = anyOf('loyalty.merchant', 'merchant_id');
      const [merchants, templates, tiers, definitions, corporateStores] = await Promise.all([
        rows('loyalty.merchant', where, [ids]),
        rows('loyalty.card_template', where, [ids]),
        rows('loyalty.tier', where, [ids]),
        rows('loyalty.wallet_definition', where, [ids]),
        rows('loyalty.store', `${where} AND t.store_kind = 'CORPORATE'`, [ids]),
      ]);
      return { merchants, templates, tiers, definitions, corporateStores };
    },

    checks: (ids) => rows('txn.pos_check', anyOf('txn.pos_check', 'check_id'), [ids]),
    checkCards: (checkIds) => rows('txn.check_card', anyOf('txn.check_card', 'check_id'), [checkIds]),
    surveys: (ids) => rows('survey.survey', anyOf('survey.survey', 'survey_id'), [ids]),
    questions: (surveyIds) => rows('survey.question', anyOf('survey.question', 'survey_id'), [surveyIds]),
    invitations: (ids) => rows('survey.invitation', anyOf('survey.invitation', 'invitation_id'), [ids]),
    answers: (responseIds) => rows('survey.answer', anyOf('survey.answer', 'response_id'), [responseIds]),

    async accountsOfGuests(userIds) {
      if (relations.isNull('loyalty.account', 'user_id')) return [];
      const found = await select(
        'accounts of guests',
        `SELECT t.account_id, t.merchant_id, t.user_id, t.card_template_code, t.registered_at, t.registration_source,
                ${accountChangedAt} AS changed_at_us
           FROM ${accountTable} t WHERE ${anyOf('loyalty.account', 'user_id')}`,
        [userIds],
      );
      return found.map(({ changed_at_us: changedAtUs, ...row }): SiblingAccount => {
        const isRegistrationTimeKnown = isKnown(row.registered_at, Number(changedAtUs));
        return { ...(row as unknown as SiblingAccount), isRegistrationTimeKnown };
      });
    },

    async mergedInto(accountIds) {
      if (relations.isNull('loyalty.account', 'merged_into_account_id')) return [];
      const found = await select(
        'merges',
        `SELECT t.merged_into_account_id AS survivor, min(${accountChangedAt}) AS merged_at_us
           FROM ${accountTable} t WHERE ${anyOf('loyalty.account', 'merged_into_account_id')} GROUP BY 1`,
        [accountIds],
      );
      return found.map((row) => ({
        accountId: row.survivor as string,
        mergedAtUs: Number(row.merged_at_us),
      }));
    },
  };
}

function columnList(relations: Relations, table: TableName): string {
  return columnsOf(table)
    .filter((column) => relations.has(table, column))
    .map((column) => `t.${column}`)
    .join(', ');
}

function seenIn({ before, lines, earliest_us: earliestUs }: TextRow): Seen {
  return {
    before: before ?? null,
    lines: Number(lines),
    earliestUs: earliestUs == null ? null : Number(earliestUs),
  };
}

function foundWallet(row: TextRow): FoundWallet {
  const { before, later_balance: balanceAfter, later_quantity: quantity, later_kind: kind } = row;
  const after =
    balanceAfter == null || quantity == null || kind == null
      ? null
      : { balanceAfter, quantity, entry_kind: kind };
  return {
    row: row as unknown as Row<'loyalty.account_wallet'>,
    balanceAsOf: balanceAsOf({ before: before ?? null, after, current: row.balance as string }),
  };
}
