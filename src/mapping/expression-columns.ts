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

/** The expressions that a value is made of, one level down; what a condition asks for is none of them. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'column':
    case 'constant':
    case 'commit-time':
      return [];
    case 'concat':
    case 'composite':
      return expression.parts;
    case 'first':
      return expression.of;
    case 'json':
    case 'codes':
    case 'truth':
    case 'scaled':
    case 'signed':
    case 'epoch':
    case 'zoned':
    case 'when':
      return [expression.of];
    default:
      return expression satisfies never;
  }
}

/** Every condition that a value is given under. */
export function conditionsWithin(expression: Expression): readonly Condition[] {
  const own = expression.kind === 'when' ? expression.holds : [];
  return [...own, ...partsOf(expression).flatMap(conditionsWithin)];
}
