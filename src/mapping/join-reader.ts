import { compileExpression, type Reading } from './evaluate.js';
import type { Join } from './mapping.js';

/** A join with what makes its key. */
export interface JoinReader {
  readonly name: string;
  readonly join: Join;
  readonly key: readonly Reading[];
}

/** In the order in which they depend on each other. */
export function readJoins(joins: ReadonlyMap<string, Join>): readonly JoinReader[] {
  return [...joins].map(([name, join]) => ({
    name,
    join,
    key: join.on.map(({ equals }) => compileExpression(equals)),
  }));
}
