import { bindConditions, bindExpression, bindJoins } from './bind-columns.js';
import { inZone, KEYS_AS_TEXT, type BindFeedOptions } from './bind-feed.js';
import type { Expression } from './expression.js';
import { assignable } from './assignable.js';
import { isProblem, typeOf } from './expression-type.js';
import type { CustomEvent } from './mapping.js';
import type { CustomEventSpec, Placed } from './spec.js';
import { unstreamed } from './unstreamed.js';

/** A custom event with its table found and its types known. Null: its table is not there. */
export function bindCustomEvent(
  spec: CustomEventSpec,
  order: number,
  options: BindFeedOptions,
): CustomEvent | null {
  const { find, problems, zone } = options;
  const table = find(spec.table);
  if (table === null) return null;
  const { scope, joins } = bindJoins(table, spec.joins, find, problems);
  const bound = (placed: Placed<Expression> | null): Expression | null => {
    if (placed === null) return null;
    const expression = bindExpression(placed, scope, problems);
    const typed = expression === null ? null : typeOf(expression);
    if (typed === null || !isProblem(typed)) return expression;
    problems.add(placed.at, `The value ${typed.problem}.`);
    return null;
  };
  for (const { value, at } of spec.changed) {
    if (!table.columns.has(value)) {
      problems.add(at, `${table.table} has no column ${value}.`, value, table.columns.keys());
    }
    const hidden = unstreamed(table, value);
    if (hidden !== null) problems.add(at, hidden);
  }
  if (table.primaryKey.length === 0 && spec.key === null) {
    problems.add(
      spec.table.at,
      `${table.table} has no primary key: say what tells one event from another: key.`,
    );
  }
  for (const column of table.primaryKey) {
    const hidden = unstreamed(table, column);
    if (hidden !== null) problems.add(spec.table.at, hidden);
  }
  const primaryKey = keyOf(
    table.primaryKey.map((column) => ({
      kind: 'column',
      join: null,
      column,
      type: table.columns.get(column)?.type ?? 'unknown',
    })),
  );
  const ownMerchant = spec.merchantId === null && table.columns.has('merchant_id') ? MERCHANT_COLUMN : null;
  const merchantId =
    bound(spec.merchantId ?? placedAt(ownMerchant, spec.table.at)) ??
    (options.onlyMerchantId === null ? null : { kind: 'constant', text: options.onlyMerchantId });
  if (merchantId === null && spec.merchantId === null) {
    problems.add(spec.name.at, `${spec.name.value} has no merchant_id, and there are several merchants.`);
  }
  const zoned = (expression: Expression | null): Expression | null =>
    expression === null || zone === null ? expression : inZone(expression, zone);
  const timestamp = zoned(bound(spec.timestamp));
  if (timestamp !== null && spec.timestamp !== null) {
    const problem = assignable(timestamp, { kind: 'timestamptz' }, KEYS_AS_TEXT);
    if (problem !== null) problems.add(spec.timestamp.at, `timestamp ${problem}.`);
  }
  const properties = new Map<string, Expression>();
  for (const [name, placed] of spec.properties) {
    const made = bound(placed);
    // A date stays the day it says.
    const expression = made?.kind === 'column' && made.type === 'date' ? made : zoned(made);
    if (expression !== null) properties.set(name, expression);
  }
  return {
    name: spec.name.value,
    order,
    table: table.table,
    on: spec.on,
    where: bindConditions(spec.where, scope, problems),
    changed: spec.changed.map(({ value }) => value),
    becomes: bindConditions(spec.becomes, scope, problems),
    joins,
    key: bound(spec.key),
    primaryKey: primaryKey ?? bound(spec.key) ?? NOTHING,
    merchantId: merchantId ?? NOTHING,
    accountId: bound(spec.accountId),
    userId: bound(spec.userId),
    timestamp,
    properties,
  };
}

const NOTHING: Expression = { kind: 'constant', text: null };
const MERCHANT_COLUMN: Expression = { kind: 'column', join: null, column: 'merchant_id', type: 'unknown' };

function placedAt(value: Expression | null, at: string): Placed<Expression> | null {
  return value === null ? null : { value, at };
}

function keyOf(parts: readonly Expression[]): Expression | null {
  const [first, second] = parts;
  if (first === undefined) return null;
  return second === undefined ? first : { kind: 'composite', parts };
}
