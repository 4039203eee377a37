import type { Outcome } from '../delivery/outcome.js';

/** What Segment did instead of taking a request, in few words and without its body. */
export function outcomeText(outcome: Extract<Outcome, { tag: 'retry' | 'pause' }>): string {
  switch (outcome.tag) {
    case 'retry':
      return outcome.detail;
    case 'pause':
      return `status ${outcome.status}`;
    default: {
      const never: never = outcome;
      throw new RangeError(`unknown outcome ${JSON.stringify(never)}`);
    }
  }
}
