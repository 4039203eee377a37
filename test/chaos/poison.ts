import type { Fault, FaultScript } from '../../src/demo/receiver-contract.js';
import { hashOf } from './hash.js';

/** One call in so many is poison while the fault lasts. */
const ONE_IN = 149;

/**
 * Calls that Segment refuses, by their ids: a batch that holds one is answered with 400. Such a call must end among the
 * dead letters, alone.
 */
export class Poison {
  /** Ids that were refused while they stood alone, and when they were last: they may rightly never arrive. */
  readonly refusedAlone = new Map<string, number>();
  /** How often a call was refused while it stood alone. */
  refusals = 0;

  readonly script: FaultScript = ({ messageIds, arrivedAtMs }): Fault | null => {
    const poisoned = messageIds.filter((id) => hashOf(id) % ONE_IN === 0);
    const [first] = poisoned;
    if (first === undefined) return null;
    if (messageIds.length === 1) {
      this.refusals += 1;
      this.refusedAlone.set(first, arrivedAtMs);
    }
    return { tag: 'status', status: 400, body: JSON.stringify({ error: `cannot take ${first}` }) };
  };
}
