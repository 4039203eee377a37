import type { Expression } from './expression.js';

/** Everything that an expression can give whatever stands in the row, null for null; null: that is not known. */
export function possibleTexts(expression: Expression): ReadonlySet<string | null> | null {
  switch (expression.kind) {
    case 'constant':
      return new Set([expression.text]);
    case 'codes': {
      const { codes, otherwise } = expression;
      return 'keep' in otherwise ? null : new Set([...codes.values(), otherwise.text, null]);
    }
    case 'first':
      return union(expression.of.map(possibleTexts));
    case 'when':
      return union([possibleTexts(expression.of), new Set([null])]);
    case 'truth':
      return new Set(['t', 'f', null]);
    case 'column':
    case 'concat':
    case 'composite':
    case 'json':
    case 'scaled':
    case 'signed':
    case 'epoch':
    case 'zoned':
    case 'commit-time':
      return null;
    default:
      return expression satisfies never;
  }
}

function union(sets: readonly (ReadonlySet<string | null> | null)[]): ReadonlySet<string | null> | null {
  const all = new Set<string | null>();
  for (const set of sets) {
    if (set === null) return null;
    for (const text of set) all.add(text);
  }
  return all;
}
