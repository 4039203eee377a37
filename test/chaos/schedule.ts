import type { Random } from '../../src/demo/simulator/random.js';
import type { Fault } from './fault.js';

export interface Step {
  readonly fault: Fault;
  /** After the one before it has been mended. */
  readonly pauseMs: number;
  readonly random: Random;
}

const PAUSE_MS = { least: 200, most: 4_000 };

/** The steps of one track, without end: what comes depends on the seed alone, not on how long each took. */
export function* schedule(faults: readonly Fault[], random: Random): Generator<Step, void> {
  const weights = faults.reduce((sum, { weight }) => sum + weight, 0);
  for (let no = 0; faults.length > 0; no += 1) {
    const own = random.fork(no);
    const pauseMs = own.int(PAUSE_MS.least, PAUSE_MS.most);
    yield { fault: weighted(faults, own.next() * weights), pauseMs, random: own };
  }
}

function weighted(faults: readonly Fault[], at: number): Fault {
  let rest = at;
  for (const fault of faults) {
    rest -= fault.weight;
    if (rest < 0) return fault;
  }
  return faults.at(-1) as Fault;
}
