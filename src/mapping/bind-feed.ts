import { isUnasked, TABLES, type OnRequest, type TableName } from '../records/tables.js';
import { bindConditions, bindExpression, bindJoins } from './bind-columns.js';
import { columnTypeOf } from './canonical.js';
import type { TableShape } from '../postgres/table-shapes.js';
import { defaultFor } from './defaults.js';
import type { Condition, Expression } from './expression.js';
import { assignable } from './assignable.js';
import { kindOfType } from './column-types.js';
import type { Feed } from './mapping.js';
import type { MappingProblems } from './problems.js';
import { recordNameOf } from './record-names.js';
import type { FeedSpec, Placed } from './spec.js';

export interface BindFeedOptions {
  readonly find: (table: Placed<string>) => TableShape | null;
  readonly zone: string | null;
  /** Of the columns that are read on request only. */
  readonly asked: ReadonlySet<OnRequest>;
  /** The merchant of every record that names none; null: there are several, or none. */
  readonly onlyMerchantId: string | null;
  readonly problems: MappingProblems;
}

/**
 * A feed with its tables found, its types known and its defaults filled in. Null: its table is not there.
 *
 * What the reference schema has NOT NULL is never null in a record: a null takes the column's default, and a row without
 * one is no record. That is written into the feed itself, so that both readings of it agree.
 */
export function bindFeed(spec: FeedSpec, options: BindFeedOptions): Feed | null {
  const { find, problems } = options;
  const table = find(spec.table);
  if (table === null) return null;
  const { scope, joins } = bindJoins(table, spec.joins, find, problems);
  const where: Condition[] = [...bindConditions(spec.where, scope, problems)];
  const given = new Map<string, Expression>();
  for (const [column, placed] of spec.columns) {
    const bound = bindExpression(placed, scope, problems);
    if (bound === null) continue;
    const fitted = fit(bound, spec.record, column, options.zone);
    if (fitted.problem !== null) problems.add(placed.at, `${column} ${fitted.problem}.`);
    given.set(column, fitted.expression);
  }
  const columns: Record<string, Expression> = {};
  for (const [column, need] of Object.entries(TABLES[spec.record].columns)) {
    const expression = given.get(column);
    // A value that could not be bound was reported; it is not missing.
    if (expression === undefined && spec.columns.has(column)) continue;
    if (isUnasked(spec.record, column, options.asked)) {
      columns[column] = NOTHING;
      continue;
    }
    const standing = defaultFor(spec.record, column, { ...options, columns: given });
    if (need === 'nullable') columns[column] = expression ?? standing ?? NOTHING;
    else if (expression === undefined && standing === null) {
      problems.add(spec.table.at, `${recordNameOf(spec.record)} has no ${column}, and there is no default.`);
    } else if (expression === undefined) columns[column] = standing ?? NOTHING;
    else {
      const mayBeNull = !isNeverNull(expression, table);
      if (mayBeNull && standing === null) where.push({ kind: 'null', of: expression, isNull: false });
      const replaced = mayBeNull && standing !== null && !isNull(standing);
      columns[column] = replaced ? { kind: 'first', of: [expression, standing] } : expression;
    }
  }
  return { record: spec.record, table: table.table, where, joins, columns };
}

/** Of what type keys are is known when all feeds are bound; any value can be one. */
export const KEYS_AS_TEXT = (): string => 'text';

const NOTHING: Expression = { kind: 'constant', text: null };

/** A time without zone is read in the mapping's, where it has one. */
function fit(
  expression: Expression,
  record: TableName,
  column: string,
  zone: string | null,
): { readonly expression: Expression; readonly problem: string | null } {
  const type = columnTypeOf(record, column);
  const fitted = type.kind === 'timestamptz' && zone !== null ? inZone(expression, zone) : expression;
  return { expression: fitted, problem: assignable(fitted, type, KEYS_AS_TEXT) };
}

/** With every time without zone taken for one of this zone's. */
export function inZone(expression: Expression, zone: string): Expression {
  switch (expression.kind) {
    case 'column': {
      const kind = kindOfType(expression.type);
      return kind === 'timestamp' || kind === 'date' ? { kind: 'zoned', of: expression, zone } : expression;
    }
    case 'first':
      return { ...expression, of: expression.of.map((each) => inZone(each, zone)) };
    case 'when':
      return { ...expression, of: inZone(expression.of, zone) };
    case 'constant':
    case 'concat':
    case 'composite':
    case 'json':
    case 'codes':
    case 'truth':
    case 'scaled':
    case 'signed':
    case 'epoch':
    case 'zoned':
    case 'commit-time':
      return expression;
    default:
      return expression satisfies never;
  }
}

/** As a default it changes nothing, and without it an index of the column serves. */
function isNull(expression: Expression): boolean {
  return expression.kind === 'constant' && expression.text === null;
}

/** Whether no row of the table can give null, by what the table itself says. */
export function isNeverNull(expression: Expression, table: TableShape): boolean {
  switch (expression.kind) {
    case 'constant':
      return expression.text !== null;
    case 'column':
      return expression.join === null && table.columns.get(expression.column)?.nullable === false;
    case 'composite':
      return expression.parts.every((part) => isNeverNull(part, table));
    case 'first':
      return expression.of.some((each) => isNeverNull(each, table));
    case 'scaled':
    case 'signed':
    case 'zoned':
      return isNeverNull(expression.of, table);
    case 'truth':
      return expression.trueWhen === 'set' || isNeverNull(expression.of, table);
    case 'codes': {
      const { of, otherwise } = expression;
      const kept = 'keep' in otherwise || otherwise.text !== null;
      return kept && isNeverNull(of, table);
    }
    case 'concat':
    case 'json':
    case 'epoch':
    case 'when':
    case 'commit-time':
      return false;
    default:
      return expression satisfies never;
  }
}
