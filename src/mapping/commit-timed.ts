import { partsOf } from './expression-columns.js';
import type { Expression } from './expression.js';

/** Whether a value depends on when the row's last version was committed. */
export function asksForCommitTime(expression: Expression): boolean {
  if (expression.kind === 'commit-time') return true;
  const asked = expression.kind === 'when' ? expression.holds.map(({ of }) => of) : [];
  return [...asked, ...partsOf(expression)].some(asksForCommitTime);
}
