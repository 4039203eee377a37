import type { TableShape } from '../postgres/table-shapes.js';
import type { Condition, Expression } from './expression.js';
import { conditionProblem } from './expression-type.js';
import { conditionsWithin, withColumns } from './expression-columns.js';
import type { Join } from './mapping.js';
import { neverEqual } from './never-equal.js';
import type { MappingProblems } from './problems.js';
import type { JoinSpec, Placed } from './spec.js';
import { unstreamed } from './unstreamed.js';

/** The tables whose columns an expression of a feed may name. */
export interface Scope {
  readonly table: TableShape;
  readonly joins: ReadonlyMap<string, TableShape>;
}

/** Gives every column the type that the database has it in; a column that is not there is a problem and null comes back. */
export function bindExpression(
  { value, at }: Placed<Expression>,
  scope: Scope,
  problems: MappingProblems,
): Expression | null {
  let whole = true;
  const bound = withColumns(value, (column) => {
    const table = column.join === null ? scope.table : scope.joins.get(column.join);
    // A join that could not be bound was reported where it is defined.
    const type = table?.columns.get(column.column)?.type;
    const hidden = table === undefined ? null : unstreamed(table, column.column);
    if (hidden !== null) problems.add(at, hidden);
    if (type !== undefined) return { ...column, type };
    if (table !== undefined) {
      problems.add(at, `${table.table} has no column ${column.column}.`, column.column, table.columns.keys());
    }
    whole = false;
    return column;
  });
  if (whole) for (const says of conditionsWithin(bound).flatMap(neverEqual)) problems.add(at, says);
  return whole ? bound : null;
}

export function bindConditions(
  conditions: readonly Placed<Condition>[],
  scope: Scope,
  problems: MappingProblems,
): readonly Condition[] {
  return conditions.flatMap(({ value, at }) => {
    const of = bindExpression({ value: value.of, at }, scope, problems);
    if (of === null) return [];
    const bound = { ...value, of };
    const wrong = conditionProblem(bound);
    if (wrong !== null) problems.add(at, `The value ${wrong.problem}.`);
    for (const says of neverEqual(bound)) problems.add(at, says);
    return [bound];
  });
}

export interface BoundJoins {
  readonly scope: Scope;
  readonly joins: ReadonlyMap<string, Join>;
}

/** Finds the joined tables. A join must meet one row at most, or one row of the feed would become several. */
export function bindJoins(
  table: TableShape,
  specs: readonly JoinSpec[],
  find: (table: Placed<string>) => TableShape | null,
  problems: MappingProblems,
): BoundJoins {
  const known = new Map<string, TableShape>();
  const joins = new Map<string, Join>();
  for (const spec of specs) {
    const joined = find(spec.table);
    if (joined === null) continue;
    const on = spec.on.flatMap(({ column, equals }) => {
      const bound = bindExpression(equals, { table, joins: known }, problems);
      const type = joined.columns.get(column.value)?.type;
      if (type === undefined) {
        problems.add(
          column.at,
          `${joined.table} has no column ${column.value}.`,
          column.value,
          joined.columns.keys(),
        );
      }
      const hidden = unstreamed(joined, column.value);
      if (hidden !== null) problems.add(column.at, hidden);
      if (type === undefined || bound === null) return [];
      if (!comparable(bound, type)) {
        problems.add(
          equals.at,
          `${column.value} of ${joined.table} is ${type}: it can only be joined with a value of that type.`,
        );
      }
      return [{ column: column.value, type, equals: bound }];
    });
    if (on.length === spec.on.length && !isUnique(joined, on)) {
      const columns = on.map(({ column }) => column).join(', ');
      problems.add(
        spec.table.at,
        `${joined.table} may have several rows with the same ${columns}: a join needs a primary key or unique index on them.`,
      );
    }
    known.set(spec.name, joined);
    joins.set(spec.name, { table: joined.table, on });
  }
  return { scope: { table, joins: known }, joins };
}

function isUnique(table: TableShape, on: readonly { readonly column: string }[]): boolean {
  const columns = new Set(on.map(({ column }) => column));
  return table.uniqueKeys.some((key) => key.every((column) => columns.has(column)));
}

const INTEGERS: readonly string[] = ['int2', 'int4', 'int8'];
const TEXTS: readonly string[] = ['text', 'varchar', 'bpchar'];

/** Whether a value of the expression is one of the type, whatever stands in it: a comparison must not fail on a row. */
function comparable(expression: Expression, type: string): boolean {
  if (expression.kind !== 'column') return TEXTS.includes(type);
  const sameKind = [INTEGERS, TEXTS].some((kind) => kind.includes(type) && kind.includes(expression.type));
  return sameKind || expression.type === type;
}
