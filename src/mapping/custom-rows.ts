import { quoteName, quoteTable } from '../postgres/query.js';
import type { CustomOccurrence } from '../records/custom-occurrence.js';
import { customReader } from './custom-event.js';
import type { Expression } from './expression.js';
import { columnsOfExpression } from './expression-columns.js';
import {
  canonicalSql,
  conditionSql,
  expressionSql,
  expressionTextSql,
  type SqlScope,
} from './expression-sql.js';
import { checkedTypeOf } from './expression-type.js';
import { joinSql } from './feed-sql.js';
import type { CustomEvent } from './mapping.js';
import { columnsOfEvent } from './published-tables.js';

/** A custom event as its table has it: what stands after FROM, and what a row of that is. An alias must follow. */
export interface CustomRows {
  /**
   * Columns `id` (the primary key, of `idType`), `at` (timestamptz, when it happened; null where that is not known),
   * `merchant_id` (an integer), `is_wanted` (the event's own conditions hold), `xmin`, and those of `columns`.
   */
  readonly from: string;
  readonly idType: string;
  /** Of the table itself, where `id`, `at` or `merchant_id` is just that. */
  readonly plain: (column: string) => string | null;
  readonly columns: readonly string[];
  /** @param row the texts of `columns`. Null: it has no key or no merchant. */
  occurrenceOf(row: Readonly<Record<string, string | null>>, commitTimeUs: number): CustomOccurrence | null;
}

/** Why a table cannot tell of a custom event; null: it can. */
export function untold(event: CustomEvent, trackCommitTimestamp: boolean): string | null {
  const { on, key, becomes, timestamp } = event;
  if (timestamp === null && !trackCommitTimestamp) {
    return 'it has no timestamp, and the server keeps no commit times (track_commit_timestamp)';
  }
  if (!on.has('insert')) return 'it is about updates alone, and a row does not tell that it was updated';
  return on.has('update') && becomes.length > 0 && key === null
    ? 'a row does not tell whether it was inserted so or became so, and without a key their ids differ'
    : null;
}

const BASE = 'b';
const COMMIT = 'c';

export function customRows(event: CustomEvent, trackCommitTimestamp: boolean): CustomRows {
  const names = new Map([...event.joins.keys()].map((join, index) => [join, `j${index + 1}`]));
  const aliasOf = (join: string | null): string => {
    const alias = join === null ? BASE : names.get(join);
    if (alias === undefined) throw new RangeError(`no join is named ${join}`);
    return alias;
  };
  const scope: SqlScope = {
    column: (join, column) => `${aliasOf(join)}.${quoteName(column)}`,
    committedAt: trackCommitTimestamp ? `${COMMIT}.committed_at` : 'NULL::timestamptz',
  };
  const slots = slotsOf(event);
  const conditions = [...event.where, ...event.becomes].map((each) => conditionSql(each, scope));
  const at =
    event.timestamp === null
      ? scope.committedAt
      : canonicalSql(event.timestamp, { kind: 'timestamptz' }, NO_KEY, scope);
  const selected = [
    `${expressionSql(event.primaryKey, scope)} AS id`,
    `${at} AS at`,
    `${merchantSql(event.merchantId, scope)} AS merchant_id`,
    `(${conditions.length === 0 ? 'true' : conditions.join(' AND ')}) IS TRUE AS is_wanted`,
    `${BASE}.xmin AS xmin`,
    ...slots.map(({ join, column, name }) => `${scope.column(join, column)} AS ${name}`),
  ];
  const from = [
    `SELECT ${selected.join(', ')} FROM ${quoteTable(event.table)} ${BASE}`,
    ...(trackCommitTimestamp
      ? [`CROSS JOIN LATERAL (SELECT pg_xact_commit_timestamp(${BASE}.xmin) AS committed_at) ${COMMIT}`]
      : []),
    ...[...event.joins].map(([name, join]) => joinSql(join, aliasOf(name), scope)),
  ].join(' ');
  const plain: Readonly<Record<string, Expression | null>> = {
    id: event.primaryKey,
    at: event.timestamp,
    merchant_id: event.merchantId,
  };
  const reader = customReader(event);
  return {
    from: `(${from})`,
    idType: checkedTypeOf(event.primaryKey).type,
    plain: (column) => plainColumn(plain[column] ?? null),
    columns: slots.map(({ name }) => name),
    occurrenceOf: (row, commitTimeUs) => {
      const own: Record<string, string | null> = {};
      const joins = new Map<string, Record<string, string | null> | null>();
      for (const { join, column, name } of slots) {
        const text = row[name] ?? null;
        if (join === null) own[column] = text;
        else if (joins.get(join) !== null) {
          const isAbsent = text === null && event.joins.get(join)?.on.some((on) => on.column === column);
          joins.set(join, isAbsent === true ? null : { ...joins.get(join), [column]: text });
        }
      }
      return reader.restore({ own, joins, commitTimeUs });
    },
  };
}

interface Slot {
  readonly join: string | null;
  readonly column: string;
  /** In SQL. */
  readonly name: string;
}

/** Every column that the event reads, first those that joins are made by: null there, a join met no row. */
function slotsOf(event: CustomEvent): readonly Slot[] {
  const joined = [...event.joins].flatMap(([join, { on }]) => on.map(({ column }) => ({ join, column })));
  const read = [
    ...columnsOfEvent(event),
    ...[...event.joins.values()].flatMap(({ on }) => on.flatMap(({ equals }) => columnsOfExpression(equals))),
  ].map(({ join, column }) => ({ join, column }));
  const all = new Map([...joined, ...read].map((each) => [JSON.stringify([each.join, each.column]), each]));
  return [...all.values()].map((each, index) => ({ ...each, name: `c${index}` }));
}

/** As it is where it is a column of integers, so that its index serves. */
function merchantSql(merchantId: Expression, scope: SqlScope): string {
  if (plainColumn(merchantId) !== null && checkedTypeOf(merchantId).kind === 'int') {
    return expressionSql(merchantId, scope);
  }
  const text = expressionTextSql(merchantId, scope);
  return `(CASE WHEN ${text} ~ '^[0-9]{1,9}$' THEN (${text})::int END)`;
}

function plainColumn(expression: Expression | null): string | null {
  return expression?.kind === 'column' && expression.join === null ? expression.column : null;
}

/** Of a type that holds no key. */
const NO_KEY = (): string => 'text';
