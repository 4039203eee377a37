import type { Random } from '../../src/demo/simulator/random.js';
import type { Fault } from './fault.js';

export interface Step {
  readonly fault: Fault;
  /** Since the beginning. It strikes later where the one before it is not mended by then. */
  readonly atMs: number;
  readonly random: Random;
}

/** From one strike to the next of its track: about as long as they last, so that most strike at their time. */
const APART_MS = { least: 1_000, most: 10_000 };

/**
 * The steps of one track, without end: what comes and when depends on the seed alone, not on how long each took. Every fault
 * once in an order of the seed's, those that bring everything to a standstill last; from then on by weight.
 */
export function* schedule(faults: readonly Fault[], random: Random): Generator<Step, void> {
  const weights = faults.reduce((sum, { weight }) => sum + weight, 0);
  const first = shuffled(faults, random).toSorted(
    (a, b) => Number(a.isLong ?? false) - Number(b.isLong ?? false),
  );
  let atMs = 0;
  for (let no = 0; faults.length > 0; no += 1) {
    const own = random.fork(no);
    atMs += own.int(APART_MS.least, APART_MS.most);
    const drawn = weighted(faults, own.next() * weights);
    yield { fault: first[no] ?? drawn, atMs, random: own };
  }
}

function shuffled(faults: readonly Fault[], random: Random): Fault[] {
  return faults
    .map((fault, index) => ({ fault, rank: random.fork(-1 - index).next() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ fault }) => fault);
}

function weighted(faults: readonly Fault[], at: number): Fault {
  let rest = at;
  for (const fault of faults) {
    rest -= fault.weight;
    if (rest < 0) return fault;
  }
  return faults.at(-1) as Fault;
}
