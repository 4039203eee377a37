import type { Knex } from 'knex';
import { databaseError } from '../postgres/database-error.js';
import { rowsOf } from '../postgres/query.js';
import { keyText } from './key-order.js';
import { textRows, type Condition, type TextRow } from './read-places.js';

/** What is walked over, as SQL over alias `t`. */
export interface Walked {
  /** For messages. */
  readonly table: string;
  /** What stands after FROM. */
  readonly from: string;
  readonly key: string;
  readonly keyType: string;
  /** Expressions by the names that `wanted` knows them by, beside `key`; those in `given` come with the rows. */
  readonly columns: Readonly<Record<string, Condition>>;
  readonly given: readonly string[];
  /** Which rows are given. */
  readonly wanted: Condition;
}

export interface WalkChunk {
  /** `key` and what is `given`. */
  readonly rows: readonly TextRow[];
  /** How many rows were looked at for them. */
  readonly lookedAt: number;
}

export interface WalkOptions {
  readonly knex: Knex;
  readonly walked: Walked;
  /** An index gives the rows in the order of their keys. */
  readonly isKeyIndexed: boolean;
  /** Rows of one statement. */
  readonly chunkRows: number;
  /** Awaited before the next statement. */
  readonly onChunk: (chunk: WalkChunk) => Promise<void>;
  /** Awaited where nothing is held meanwhile: time for others. Default: at once. */
  readonly pause?: (signal: AbortSignal) => Promise<void>;
}

/**
 * Walks over a whole table in short statements and gives the rows that are wanted, each once, in no order to rely on: by its
 * key where that is indexed, else through a cursor, for to find the next key would be to sort the whole table each time.
 * @throws ConnectorError DATABASE_…; the signal's reason when it aborts
 */
export async function walk(options: WalkOptions, signal: AbortSignal): Promise<void> {
  if (options.isKeyIndexed) await walkByKey(options, signal);
  else await walkByCursor(options, signal);
}

function chunkSql({ from, key, columns }: Walked, more: string): Condition {
  const selected = Object.entries(columns).map(([name, { sql }]) => `${sql} AS ${name}`);
  return {
    sql: `SELECT ${[`t.${key} AS key`, ...selected].join(', ')}${more} FROM ${from} t`,
    bindings: Object.values(columns).flatMap(({ bindings }) => bindings),
  };
}

/** In the key's own order, whatever its collation: only the database compares. */
async function walkByKey(options: WalkOptions, signal: AbortSignal): Promise<void> {
  const { knex, walked, chunkRows, onChunk } = options;
  const { key, keyType, given, wanted } = walked;
  const chunk = chunkSql(walked, '');
  const nothing = given.map((name) => `, NULL AS ${name}`).join('');
  let after: string | null = null;
  do {
    signal.throwIfAborted();
    const rows: readonly TextRow[] = await textRows(
      knex,
      `reading ${walked.table}`,
      `WITH chunk AS MATERIALIZED (${chunk.sql}
        ${after === null ? '' : `WHERE t.${key} > ?::${keyType}`} ORDER BY t.${key} LIMIT ?)
       (SELECT ${keyText('key')} AS key, count(*) OVER () AS looked_at${nothing} FROM chunk ORDER BY chunk.key DESC LIMIT 1)
       UNION ALL SELECT ${keyText('key')}, NULL${columnList(given)} FROM chunk WHERE ${wanted.sql}`,
      [...chunk.bindings, ...(after === null ? [] : [after]), chunkRows, ...wanted.bindings],
    );
    const last = rows.find(({ looked_at: lookedAt }) => lookedAt != null);
    const lookedAt = Number(last?.['looked_at'] ?? 0);
    after = lookedAt === chunkRows ? (last?.['key'] ?? null) : null;
    await onChunk({ rows: rows.filter((row) => row !== last), lookedAt });
    if (after !== null) await options.pause?.(signal);
  } while (after !== null);
}

/** Even where nothing is wanted a row comes now and then, so that no statement takes long. */
const SIGN_OF_LIFE_ROWS = 50;

/** Without pauses: until its end the server keeps what was deleted since it began. */
async function walkByCursor(options: WalkOptions, signal: AbortSignal): Promise<void> {
  const { walked, chunkRows, onChunk } = options;
  const { given, wanted } = walked;
  const doing = `reading ${walked.table}`;
  const chunk = chunkSql(walked, ', row_number() OVER () AS nth');
  const knex = await begun(options.knex, doing);
  try {
    await rowsOf(
      knex,
      doing,
      `DECLARE walk NO SCROLL CURSOR FOR
       SELECT ${keyText('key')} AS key, nth, (${wanted.sql}) IS TRUE AS is_wanted${columnList(given)}
         FROM (${chunk.sql}) chunk WHERE (${wanted.sql}) OR nth % ${SIGN_OF_LIFE_ROWS} = 0`,
      [...wanted.bindings, ...chunk.bindings, ...wanted.bindings],
    );
    for (let [isDone, seen] = [false, 0]; !isDone;) {
      signal.throwIfAborted();
      const rows = await textRows(knex, doing, `FETCH ${chunkRows} FROM walk`, []);
      const reached = Number(rows.at(-1)?.['nth'] ?? seen);
      await onChunk({ rows: rows.filter((row) => row['is_wanted'] === 't'), lookedAt: reached - seen });
      isDone = rows.length < chunkRows;
      seen = reached;
    }
  } finally {
    // Nothing was written, and a connection that is gone has been told of by the statement before.
    await knex.rollback().catch(() => undefined);
  }
}

async function begun(knex: Knex, doing: string): Promise<Knex.Transaction> {
  try {
    return await knex.transaction({ readOnly: true });
  } catch (error) {
    throw databaseError(error, doing);
  }
}

function columnList(names: readonly string[]): string {
  return names.map((name) => `, ${name}`).join('');
}
