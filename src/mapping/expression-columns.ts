import type { Condition, Expression } from './expression.js';

export type ColumnExpression = Extract<Expression, { kind: 'column' }>;

/** The same expression with every column replaced. */
export function withColumns(
  expression: Expression,
  replace: (column: ColumnExpression) => Expression,
): Expression {
  const inner = (each: Expression): Expression => withColumns(each, replace);
  switch (expression.kind) {
    case 'column':
      return replace(expression);
    case 'constant':
    case 'commit-time':
      return expression;
    case 'concat':
    case 'composite':
      return { ...expression, parts: expression.parts.map(inner) };
    case 'first':
      return { ...expression, of: expression.of.map(inner) };
    case 'json':
    case 'codes':
    case 'truth':
    case 'scaled':
    case 'signed':
    case 'epoch':
    case 'zoned':
      return { ...expression, of: inner(expression.of) };
    case 'when': {
      const holds = expression.holds.map((each) => ({ ...each, of: inner(each.of) }));
      return { ...expression, holds, of: inner(expression.of) };
    }
    default:
      return expression satisfies never;
  }
}

/** Every column that an expression reads, in the order of writing. */
export function columnsOfExpression(expression: Expression): readonly ColumnExpression[] {
  const found: ColumnExpression[] = [];
  withColumns(expression, (column) => {
    found.push(column);
    return column;
  });
  return found;
}

export function columnsOfConditions(conditions: readonly Condition[]): readonly ColumnExpression[] {
  return conditions.flatMap(({ of }) => columnsOfExpression(of));
}

/** Every condition that a value is given under. */
export function conditionsWithin(expression: Expression): readonly Condition[] {
  switch (expression.kind) {
    case 'column':
    case 'constant':
    case 'commit-time':
      return [];
    case 'concat':
    case 'composite':
      return expression.parts.flatMap(conditionsWithin);
    case 'first':
      return expression.of.flatMap(conditionsWithin);
    case 'json':
    case 'codes':
    case 'truth':
    case 'scaled':
    case 'signed':
    case 'epoch':
    case 'zoned':
      return conditionsWithin(expression.of);
    case 'when':
      return [...expression.holds, ...conditionsWithin(expression.of)];
    default:
      return expression satisfies never;
  }
}
