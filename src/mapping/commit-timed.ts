import type { Expression } from './expression.js';

/** Whether a value depends on when the row's last version was committed. */
export function asksForCommitTime(expression: Expression): boolean {
  switch (expression.kind) {
    case 'commit-time':
      return true;
    case 'when':
      return asksForCommitTime(expression.of) || expression.holds.some(({ of }) => asksForCommitTime(of));
    case 'column':
    case 'constant':
      return false;
    case 'concat':
    case 'composite':
      return expression.parts.some(asksForCommitTime);
    case 'first':
      return expression.of.some(asksForCommitTime);
    case 'json':
    case 'codes':
    case 'truth':
    case 'scaled':
    case 'signed':
    case 'epoch':
    case 'zoned':
      return asksForCommitTime(expression.of);
    default: {
      const unknown: never = expression;
      throw new RangeError(`unknown expression ${JSON.stringify(unknown)}`);
    }
  }
}
