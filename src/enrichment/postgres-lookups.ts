import type { Knex } from 'knex';
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
import type { FoundAccount, FoundWallet, Lookups, MerchantBundle, SiblingAccount } from './lookups.js';

export interface PostgresLookupsOptions {
  readonly knex: Knex;
  /** The server's track_commit_timestamp: exact "as of" with it, the rows' own clocks without. */
  readonly trackCommitTimestamp: boolean;
  /** Called once per SELECT with what it was for. */
  readonly onLookup?: (what: string) => void;
}

/** Values as the wire carries them: no Date, no double, the very text that logical replication sends. */
const AS_TEXT = { types: { getTypeParser: () => (value: string | null) => value } };

type TextRow = Readonly<Record<string, string | null>>;

/** `Lookups` over the loyalty database itself. Every statement is keyed by `= ANY (array)` on an indexed column. */
export function postgresLookups(options: PostgresLookupsOptions): Lookups {
  const { knex, trackCommitTimestamp } = options;
  const accountChangedAt = changedAtSql('t', 'updated_at', trackCommitTimestamp);
  const walletsSql = walletsAsOfSql(columnsOf('loyalty.account_wallet'), trackCommitTimestamp);

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
    const found = await select(table, `SELECT ${columnList(table)} FROM ${table} t WHERE ${where}`, bindings);
    return found as unknown as Row<T>[];
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
    async accounts(ids) {
      const found = await select(
        'loyalty.account',
        `SELECT ${columnList('loyalty.account')}, ${accountChangedAt} AS changed_at_us FROM loyalty.account t WHERE t.account_id = ANY (?::bigint[])`,
        [ids],
      );
      return found.map(({ changed_at_us: changedAtUs, ...row }): FoundAccount => {
        return { row: row as unknown as Row<'loyalty.account'>, changedAtUs: Number(changedAtUs) };
      });
    },

    async wallets(wanted) {
      const told = new Map<string, TextRow>();
      let open = wanted;
      for (const look of LEDGER_LOOKS) {
        if (open.size === 0) break;
        const again = new Map<string, number>();
        for (const row of await walletWindows(open, look)) {
          const wallet = `${row.account_id} ${row.wallet_code}`;
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
        't.card_id = ANY (?::bigint[]) OR (t.account_id = ANY (?::bigint[]) AND t.is_primary)',
        [cardIds, accountIds],
      ),
    guests: (ids) => rows('loyalty.guest', 't.user_id = ANY (?::bigint[])', [ids]),
    stores: (ids) => rows('loyalty.store', 't.store_id = ANY (?::bigint[])', [ids]),

    async merchants(ids): Promise<MerchantBundle> {
      const where = 't.merchant_id = ANY (?::int[])';
      const [merchants, templates, tiers, definitions, corporateStores] = await Promise.all([
        rows('loyalty.merchant', where, [ids]),
        rows('loyalty.card_template', where, [ids]),
        rows('loyalty.tier', where, [ids]),
        rows('loyalty.wallet_definition', where, [ids]),
        rows('loyalty.store', `${where} AND t.store_kind = 'CORPORATE' ORDER BY t.store_id`, [ids]),
      ]);
      return { merchants, templates, tiers, definitions, corporateStores };
    },

    checks: (ids) => rows('txn.pos_check', 't.check_id = ANY (?::bigint[])', [ids]),
    checkCards: (checkIds) => rows('txn.check_card', 't.check_id = ANY (?::bigint[])', [checkIds]),
    surveys: (ids) => rows('survey.survey', 't.survey_id = ANY (?::bigint[])', [ids]),
    questions: (surveyIds) => rows('survey.question', 't.survey_id = ANY (?::bigint[])', [surveyIds]),
    invitations: (ids) => rows('survey.invitation', 't.invitation_id = ANY (?::bigint[])', [ids]),
    answers: (responseIds) => rows('survey.answer', 't.response_id = ANY (?::bigint[])', [responseIds]),

    async accountsOfGuests(userIds) {
      const found = await select(
        'accounts of guests',
        `SELECT account_id, merchant_id, user_id, card_template_code, registered_at, registration_source
           FROM loyalty.account WHERE user_id = ANY (?::bigint[])`,
        [userIds],
      );
      return found as unknown as SiblingAccount[];
    },

    async mergedInto(accountIds) {
      const found = await select(
        'merges',
        `SELECT t.merged_into_account_id AS survivor, min(${accountChangedAt}) AS merged_at_us
           FROM loyalty.account t
          WHERE t.merged_into_account_id = ANY (?::bigint[]) GROUP BY 1`,
        [accountIds],
      );
      return found.map((row) => ({
        accountId: row.survivor as string,
        mergedAtUs: Number(row.merged_at_us),
      }));
    },
  };
}

function columnList(table: TableName): string {
  return columnsOf(table)
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
