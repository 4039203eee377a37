import type { Knex } from 'knex';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { KeyKind } from '../../src/mapping/canonical.js';
import { columnTypeOf } from '../../src/mapping/canonical.js';
import { defaultFor } from '../../src/mapping/defaults.js';
import { compileCanonical, compileConditions, type JoinedRow } from '../../src/mapping/evaluate.js';
import type { Expression } from '../../src/mapping/expression.js';
import { compositeIndexSql, relationSql, type FeedSqlOptions } from '../../src/mapping/feed-sql.js';
import type { Feed } from '../../src/mapping/mapping.js';
import { quoteName } from '../../src/postgres/query.js';
import { openKnex } from '../../src/postgres/connection.js';
import { columnsOf, type TableName } from '../../src/records/tables.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { codes, col, COMMIT_TIME, composite, concat, scaled, text, truth, zoned } from './expressions.js';

const AS_TEXT = { types: { getTypeParser: () => (value: string | null) => value } };
type TextRow = Readonly<Record<string, string | null>>;
const TRACKED: FeedSqlOptions = { keyType: () => 'bigint', trackCommitTimestamp: true };

/** A feed of what is given, filled up with defaults. */
function feed(
  record: TableName,
  table: string,
  given: Readonly<Record<string, Expression>>,
  rest: Partial<Feed> = {},
): Feed {
  const mapped = new Map(Object.entries(given));
  const context = { zone: 'America/New_York', onlyMerchantId: '1', onlyWalletCode: '1', columns: mapped };
  const columns = columnsOf(record).map((column) => {
    const nothing: Expression = { kind: 'constant', text: null };
    return [column, mapped.get(column) ?? defaultFor(record, column, context) ?? nothing] as const;
  });
  return { record, table, where: [], joins: new Map(), columns: Object.fromEntries(columns), ...rest };
}

describe('a feed as SQL', () => {
  let db: TestDatabase;
  let knex: Knex;

  beforeAll(async () => {
    db = await testDatabase({ migrate: false });
    knex = openKnex({ url: db.url });
  });

  afterAll(async () => {
    await knex.destroy();
    await db.close();
  });

  async function rows(sql: string, bindings: readonly unknown[] = []): Promise<readonly TextRow[]> {
    const result = (await knex.raw(sql, bindings as Knex.RawBinding[]).options(AS_TEXT)) as {
      rows: TextRow[];
    };
    return result.rows;
  }

  describe('gives the records that JavaScript makes of the same rows', () => {
    const guest = feed(
      'loyalty.guest',
      'public.Members?',
      {
        user_id: col('member_no', 'int4'),
        first_name: col('given', 'varchar', 'person'),
        last_name: concat(' ', col('family', 'varchar', 'person'), col('suffix', 'text', 'title')),
        email_opt_in: truth(col('opt_in', 'bpchar'), ['Y']),
        status: codes(col('state', 'bpchar'), { A: 'ACTIVE', D: 'DELETED' }, { text: 'ANONYMIZED' }),
      },
      {
        where: [
          { kind: 'equals', of: col('kind', 'text'), values: new Set(['R', "O'Neil's \\?"]) },
          { kind: 'differs', of: col('region', 'text'), values: new Set(['X']) },
          { kind: 'null', of: col('gone_at', 'timestamp'), isNull: true },
        ],
        joins: new Map([
          [
            'person',
            {
              table: 'public.person',
              on: [{ column: 'person_id', type: 'text', equals: col('person', 'int8') }],
            },
          ],
          [
            'title',
            {
              table: 'public.title',
              on: [
                { column: 'code', type: 'text', equals: col('title', 'text', 'person') },
                { column: 'language', type: 'text', equals: text('en') },
              ],
            },
          ],
        ]),
      },
    );

    beforeAll(async () => {
      await db.sql(`
        CREATE TABLE "Members?" (member_no int PRIMARY KEY, person bigint, opt_in char(3), state char(1), kind text, region text, gone_at timestamp);
        CREATE TABLE person (person_id int PRIMARY KEY, given varchar(20), family varchar(20), title text);
        CREATE TABLE title (code text, language char(2), suffix text, PRIMARY KEY (code, language));
        INSERT INTO title VALUES ('PHD', 'en', 'PhD'), ('PHD', 'de', 'Dr.');
        INSERT INTO person VALUES (1, 'Ada', 'Byron', 'PHD'), (2, 'Bob', NULL, 'PHD'), (3, 'Cy', 'Young', NULL);
        INSERT INTO "Members?" VALUES
          (10, 1, 'Y', 'A', 'R', 'X2', NULL), (11, 2, 'N', 'D', 'R', NULL, NULL), (12, 3, NULL, NULL, $$O'Neil's \\?$$, '', NULL),
          (13, NULL, 'Y', 'Z', 'R', 'Y', NULL), (14, 99, 'Y', 'A', 'R', 'Y', NULL),
          (20, 1, 'Y', 'A', 'r', 'Y', NULL), (21, 1, 'Y', 'A', NULL, 'Y', NULL), (22, 1, 'Y', 'A', 'R', 'X', NULL), (23, 1, 'Y', 'A', 'R', 'Y', now())`);
    });

    it('with joins, conditions and defaults', async () => {
      const relation = relationSql('loyalty.guest', [guest], [], TRACKED);
      const found = await rows(`SELECT t.* FROM ${relation} t WHERE t.user_id >= ? ORDER BY t.user_id`, [0]);
      expect(found.map(({ user_id: id }) => id)).toEqual(['10', '11', '12', '13', '14']);
      expect(Object.keys(found[0] ?? {})).toEqual([...columnsOf('loyalty.guest'), 'xmin']);

      const sources = await sourceRows();
      const asked = compileConditions(guest.where);
      const context = { commitTimeUs: 0 };
      const made = sources
        .filter((source) => asked(source, context) === true)
        .map((source) =>
          Object.fromEntries(
            Object.entries(guest.columns).map(([column, expression]) => {
              const type = columnTypeOf('loyalty.guest', column);
              return [column, compileCanonical(expression, type, TRACKED.keyType)(source, context)];
            }),
          ),
        );
      expect(found).toEqual(made.map((record) => ({ ...record, xmin: expect.any(String) as string })));
      expect(made[0]).toMatchObject({
        user_id: '10',
        merchant_id: '1',
        first_name: 'Ada',
        last_name: 'Byron PhD',
      });
    });

    async function sourceRows(): Promise<readonly JoinedRow[]> {
      const [members, persons, titles] = await Promise.all(
        ['Members?', 'person', 'title'].map((table) => rows(`SELECT * FROM ${quoteName(table)}`)),
      );
      return members!.map((own) => {
        const person = persons!.find((each) => each.person_id === own.person) ?? null;
        const title = titles!.find((each) => each.code === person?.title && each.language === 'en');
        return { own, joins: new Map([['person', person], ['title', title ?? null]]) };
      }); // prettier-ignore
    }

    it('beside rows that the mapping itself gives, which have no xmin', async () => {
      const relation = relationSql(
        'loyalty.card_template',
        [
          feed('loyalty.card_template', 'public.title', {
            card_template_code: text('7'),
            label: col('suffix'),
          }),
        ],
        [
          ...['1', '2'].map((merchant) => ({
            merchant_id: merchant,
            card_template_code: '1',
            label: 'Loyalty',
            program_kind: 'LOYALTY',
          })),
          { merchant_id: '3', label: "what's \\? this?" },
        ],
        TRACKED,
      );
      const found = await rows(
        `SELECT t.*, t.xmin IS NULL AS given FROM ${relation} t WHERE ?::int = 1`,
        [1],
      );
      expect(found.map((row) => [row.merchant_id, row.card_template_code, row.label, row.program_kind, row.given])).toEqual([
        ['1', '7', 'PhD', 'LOYALTY', 'f'],
        ['1', '7', 'Dr.', 'LOYALTY', 'f'],
        ['1', '1', 'Loyalty', 'LOYALTY', 't'],
        ['2', '1', 'Loyalty', 'LOYALTY', 't'],
        ['3', null, "what's \\? this?", null, 't'],
      ]); // prettier-ignore
    });

    it('of which there are none where nothing is mapped, of the types that there would be', async () => {
      const relation = relationSql('loyalty.account_wallet', [], [], {
        ...TRACKED,
        keyType: (kind) => (kind === 'account' ? 'uuid' : 'integer'),
      });
      expect(await rows(`SELECT * FROM ${relation} t`)).toEqual([]);
      const [types] = await rows(
        `SELECT pg_typeof(t.account_id) AS account, pg_typeof(t.wallet_code) AS wallet, pg_typeof(t.merchant_id) AS merchant,
                pg_typeof(t.balance) AS balance, pg_typeof(t.expirations) AS expirations, pg_typeof(t.xmin) AS xmin
           FROM (SELECT) AS one LEFT JOIN ${relation} t ON true`,
      ); // prettier-ignore
      expect(types).toEqual({ account: 'uuid', wallet: 'integer', merchant: 'bigint', balance: 'numeric', expirations: 'jsonb', xmin: 'xid' }); // prettier-ignore
    });
  });

  describe('leaves the indexes of the tables behind it in use', () => {
    const KEYS: readonly (readonly [typname: string, keyType: string, key: (n: string) => string])[] = [
      ['int4', 'integer', (n) => n],
      ['int8', 'bigint', (n) => n],
      ['int4', 'bigint', (n) => n],
      ['uuid', 'uuid', (n) => `lpad(${n}::text, 32, '0')::uuid`],
      ['text', 'text', (n) => `'a' || ${n}`],
      ['varchar', 'character varying', (n) => `'a' || ${n}`],
      ['varchar', 'text', (n) => `'a' || ${n}`],
      ['bpchar', 'bpchar', (n) => `lpad(${n}::text, 10, '0')`],
    ];
    const DECLARED: Readonly<Record<string, string>> = { varchar: 'varchar(40)', bpchar: 'char(12)' };

    beforeAll(async () => {
      for (const type of new Set(KEYS.map(([typname]) => typname))) {
        const key = KEYS.find(([typname]) => typname === type)?.[2] ?? ((n) => n);
        for (const table of [`accounts_${type}`, `others_${type}`]) {
          // oxlint-disable-next-line no-await-in-loop -- one after the other is fine
          await db.sql(`
            CREATE TABLE ${table} (id ${DECLARED[type] ?? type} PRIMARY KEY, kind text, opened timestamp, cents bigint);
            INSERT INTO ${table} SELECT ${key('n')}, 'R', '2026-01-01', n FROM generate_series(1, 20000) n;
            ANALYZE ${table};`);
        }
      }
      await db.sql(`
        CREATE TABLE sales (store int, sale_no varchar(20), member int, sold_at timestamp, flag boolean, PRIMARY KEY (store, sale_no));
        INSERT INTO sales SELECT n % 50, 'S:' || n, n % 1000, '2026-01-01', true FROM generate_series(1, 20000) n;
        ANALYZE sales;`);
    });

    function accounts(table: string, type: string): Feed {
      return feed(
        'loyalty.account',
        `public.${table}`,
        { account_id: col('id', type), registered_at: zoned(col('opened', 'timestamp')) },
        { where: [{ kind: 'equals', of: col('kind'), values: new Set(['R', 'S']) }] },
      );
    }

    async function planOf(
      sql: string,
      bindings: readonly unknown[],
    ): Promise<{ readonly indexes: readonly string[]; readonly whole: readonly string[] }> {
      const [row] = await rows(`EXPLAIN (FORMAT JSON) ${sql}`, bindings);
      const nodes = nodesOf(JSON.parse(row?.['QUERY PLAN'] ?? '') as object);
      return {
        indexes: [
          ...new Set(
            nodes.flatMap((node) => (typeof node['Index Name'] === 'string' ? [node['Index Name']] : [])),
          ),
        ].sort(),
        whole: nodes.flatMap((node) =>
          node['Node Type'] === 'Seq Scan' ? [String(node['Relation Name'])] : [],
        ),
      };
    }

    function nodesOf(plan: object): readonly Readonly<Record<string, unknown>>[] {
      const below = Object.values(plan).filter(
        (value): value is object => typeof value === 'object' && value !== null,
      );
      return [plan as Readonly<Record<string, unknown>>, ...below.flatMap(nodesOf)];
    }

    it.each(KEYS)('for keys of %s that are %s', async (type, keyType) => {
      const options = { ...TRACKED, keyType: (kind: KeyKind) => (kind === 'account' ? keyType : 'bigint') };
      const ids = (await rows(`SELECT id FROM accounts_${type} LIMIT 20`)).map(({ id }) => id);
      const one = relationSql('loyalty.account', [accounts(`accounts_${type}`, type)], [], options);
      const two = relationSql('loyalty.account', [accounts(`accounts_${type}`, type), accounts(`others_${type}`, type)], [], options);
      const where = `WHERE t.account_id = ANY (?::${keyType}[])`;
      expect(await planOf(`SELECT t.* FROM ${one} t ${where}`, [ids])).toEqual({ indexes: [`accounts_${type}_pkey`], whole: [] });
      expect(await planOf(`SELECT t.* FROM ${two} t ${where}`, [ids])).toEqual({
        indexes: [`accounts_${type}_pkey`, `others_${type}_pkey`],
        whole: [],
      });
      expect(await rows(`SELECT t.account_id FROM ${two} t ${where}`, [ids])).toHaveLength(40);
      // The row's commit time is in the list, and yet the join goes by the key.
      const joined = `SELECT t.* FROM unnest(?::${keyType}[]) AS wanted (id) JOIN ${one} t ON t.account_id = wanted.id`;
      expect(await planOf(joined, [ids])).toEqual({ indexes: [`accounts_${type}_pkey`], whole: [] });
    }); // prettier-ignore

    it('for composite ids, with the index that is advised for them', async () => {
      const id = composite(col('store', 'int4'), col('sale_no', 'varchar'), col('flag', 'bool'), text('?'));
      const sales = feed('txn.transaction', 'public.sales', { transaction_id: id, posted_at: zoned(col('sold_at', 'timestamp')) });
      const relation = relationSql('txn.transaction', [sales, sales], [], { ...TRACKED, keyType: (kind) => (kind === 'transaction' ? 'text' : 'bigint') });
      const statement = `SELECT t.* FROM ${relation} t WHERE t.transaction_id = ANY (?::text[])`;
      const ids = ['1:S%3A1:true:?', '2:S%3A2:true:?', '2:S:2:true:?'];
      expect(await planOf(statement, [ids])).toEqual({ indexes: [], whole: ['sales', 'sales'] });
      const advised = compositeIndexSql('public.sales', id);
      await db.sql(advised ?? '');
      await db.sql('ANALYZE sales');
      expect(await planOf(statement, [ids])).toEqual({ indexes: ['sales_expr_idx'], whole: [] });
      const found = await rows(statement, [ids]);
      expect(found.map((row) => row.transaction_id)).toEqual([ids[0], ids[1], ids[0], ids[1]]);
    }); // prettier-ignore

    it('and advises none where PostgreSQL would make none: texts of dates and enums depend on the session', () => {
      expect(
        compositeIndexSql('public.sales', composite(col('store', 'int4'), col('sold_at', 'timestamp'))),
      ).toBeNull();
      expect(
        compositeIndexSql('public.sales', composite(col('store', 'int4'), col('mood', 'mood'))),
      ).toBeNull();
      expect(
        compositeIndexSql('public.sales', composite(col('store', 'int4'), col('no', 'text', 'other'))),
      ).toBeNull();
    });
  });

  it('knows when a row was committed where the server does, and null where it does not', async () => {
    await db.sql(
      `CREATE TABLE wallets (owner int PRIMARY KEY, cents bigint); INSERT INTO wallets VALUES (1, 1250)`,
    );
    const wallet = feed('loyalty.account_wallet', 'public.wallets', {
      account_id: col('owner', 'int4'),
      balance: scaled(col('cents', 'int8')),
    });
    expect(wallet.columns.updated_at).toEqual(COMMIT_TIME);
    const read = (trackCommitTimestamp: boolean) =>
      rows(
        `SELECT t.balance, t.updated_at = pg_xact_commit_timestamp(t.xmin) AS same FROM ${relationSql('loyalty.account_wallet', [wallet], [], { ...TRACKED, trackCommitTimestamp })} t`,
      );
    expect(await read(true)).toEqual([{ balance: '12.50', same: 't' }]);
    expect(await read(false)).toEqual([{ balance: '12.50', same: null }]);
  });
});
