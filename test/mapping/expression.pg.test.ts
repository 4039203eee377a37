import fc from 'fast-check';
import type { Knex } from 'knex';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { assignable } from '../../src/mapping/assignable.js';
import type { ColumnType } from '../../src/mapping/canonical.js';
import {
  compileCanonical,
  compileConditions,
  compileExpression,
  type JoinedRow,
} from '../../src/mapping/evaluate.js';
import type { Condition, Expression } from '../../src/mapping/expression.js';
import {
  canonicalSql,
  conditionSql,
  expressionTextSql,
  type SqlScope,
} from '../../src/mapping/expression-sql.js';
import { quoteName } from '../../src/postgres/query.js';
import { openKnex } from '../../src/postgres/connection.js';
import { runs } from '../support/fuzz-runs.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { condition, JOIN, wellTyped } from './arbitrary-expressions.js';
import { COLUMN_NAMES, COLUMNS, writtenRow, type WrittenRow } from './arbitrary-rows.js';

const AS_TEXT = { types: { getTypeParser: () => (value: string | null) => value } };
type TextRow = Readonly<Record<string, string | null>>;

const scope: SqlScope = {
  column: (join, column) => `${join === null ? 'b' : 'j1'}.${quoteName(column)}`,
  committedAt: 'pg_xact_commit_timestamp(b.xmin)',
};

/** Every canonical type, and a key of every type that keys have. */
const TARGETS: readonly (readonly [ColumnType, keyType: string])[] = [
  ...(['int', 'numeric', 'boolean', 'text', 'date', 'timestamp', 'timestamptz', 'jsonb'] as const).map(
    (kind) => [{ kind }, 'none'] as const,
  ),
  ...['smallint', 'integer', 'bigint', 'numeric', 'uuid', 'text', 'character varying', 'character'].map(
    (keyType) => [{ kind: 'key', of: 'guest' }, keyType] as const,
  ),
];

describe('an expression means the same in JavaScript and in SQL', () => {
  let db: TestDatabase;
  let knex: Knex;

  beforeAll(async () => {
    db = await testDatabase({ migrate: false });
    knex = openKnex({ url: db.url });
    const columns = COLUMN_NAMES.map((name) => `${quoteName(name)} ${COLUMNS[name][1]}`).join(', ');
    await db.sql(`
      CREATE TYPE mood AS ENUM ('happy', 'A', 'so so');
      CREATE TYPE pair AS (first int, second text);
      CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE TABLE base (id int PRIMARY KEY, ${columns});
      CREATE TABLE joined (id int PRIMARY KEY, ${columns});`);
  });

  afterAll(async () => {
    await knex.destroy();
    await db.close();
  });

  async function store(table: string, rows: readonly WrittenRow[]): Promise<void> {
    if (rows.length === 0) return;
    const names = COLUMN_NAMES.map(quoteName).join(', ');
    const values = rows.map((_, row) => {
      const marks = COLUMN_NAMES.map(
        (name, index) =>
          `$${row * COLUMN_NAMES.length + index + 1}::text::${COLUMNS[name][1].replace(/ COLLATE .*/, '')}`,
      );
      return `(${row}, ${marks.join(', ')})`;
    });
    await db.sql(
      `INSERT INTO ${table} (id, ${names}) VALUES ${values.join(', ')}`,
      rows.flatMap((row) => COLUMN_NAMES.map((name) => row[name])),
    );
  }

  async function read(selected: readonly string[]): Promise<readonly TextRow[]> {
    const list = selected.map((sql, index) => `, ${sql} AS r${index}`).join('');
    const result = (await knex
      .raw(
        `SELECT b.id${list}, (extract(epoch FROM pg_xact_commit_timestamp(b.xmin)) * 1000000)::bigint AS committed_us
           FROM base b LEFT JOIN joined j1 ON j1.id = b.id WHERE b.id >= ? ORDER BY b.id`,
        [0],
      )
      .options(AS_TEXT)) as { rows: TextRow[] };
    return result.rows;
  }

  async function sourceRows(): Promise<readonly JoinedRow[]> {
    const both = await Promise.all(
      ['base', 'joined'].map(async (table) => {
        const result = (await knex.raw(`SELECT * FROM ${table} ORDER BY id`).options(AS_TEXT)) as {
          rows: TextRow[];
        };
        return result.rows;
      }),
    );
    const [base = [], joined = []] = both;
    return base.map((own) => ({
      own,
      joins: new Map([[JOIN, joined.find(({ id }) => id === own.id) ?? null]]),
    }));
  }

  async function sameInBoth(
    written: { readonly base: readonly WrittenRow[]; readonly joined: readonly WrittenRow[] },
    expressions: readonly Expression[],
    conditions: readonly Condition[],
  ): Promise<void> {
    await db.sql('TRUNCATE base, joined');
    await store('joined', written.joined);
    await store('base', written.base);
    const readings = [
      ...expressions.map((each) => ({
        of: each,
        sql: expressionTextSql(each, scope),
        reading: compileExpression(each),
      })),
      ...expressions.flatMap((each) =>
        TARGETS.filter(([type, key]) => assignable(each, type, () => key) === null).map(([type, key]) => ({
          of: { each, type, key },
          sql: canonicalSql(each, type, () => key, scope),
          reading: compileCanonical(each, type, () => key),
        })),
      ),
      ...conditions.map((each) => ({
        of: each,
        sql: `coalesce(${conditionSql(each, scope)}, false)`,
        reading: (...given: Parameters<ReturnType<typeof compileConditions>>) =>
          compileConditions([each])(...given) === true ? 't' : 'f',
      })),
    ];
    const [rows, sources] = await Promise.all([read(readings.map(({ sql }) => sql)), sourceRows()]);
    expect(rows).toHaveLength(written.base.length);
    for (const [index, row] of rows.entries()) {
      const source = sources[index] as JoinedRow;
      const context = { commitTimeUs: Number(row.committed_us) };
      for (const [at, { of, sql, reading }] of readings.entries()) {
        const here = reading(source, context);
        if (here === row[`r${at}`]) continue;
        expect({ of, sql, source, value: here }).toEqual({ of, sql, source, value: row[`r${at}`] });
      }
    }
  }

  it('whatever the rows hold and however it is put together', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          base: fc.array(writtenRow, { minLength: 1, maxLength: 8, size: 'max' }),
          joined: fc.array(writtenRow, { maxLength: 4 }),
        }),
        fc.array(wellTyped, { maxLength: 20, size: 'max' }),
        fc.array(condition, { maxLength: 8, size: 'max' }),
        sameInBoth,
      ),
      runs(200),
    );
  });
});
