import type { Random } from '../../src/demo/simulator/random.js';
import type { Site } from './site.js';

/** Faults of one area exclude each other. */
export type Area = 'process' | 'redis' | 'postgres' | 'way' | 'segment' | 'schema' | 'commit' | 'slot';

/**
 * Calls that may reach Segment more than once because of one strike. `none`; `request`: those of the requests in flight, of
 * each deliver process; `backlog`: all that was queued and not yet known to be delivered; `margin`: what was sent in the time
 * that `recover` reads on both sides of a gap.
 */
export type Doubles = 'none' | 'request' | 'backlog' | 'margin';

export interface Strike {
  readonly site: Site;
  /** This strike's own: what it decides depends on the seed and its number alone. */
  readonly random: Random;
  sleep(ms: number): Promise<void>;
}

export interface Fault {
  readonly name: string;
  readonly area: Area;
  /** How often, relative to the others of its track. */
  readonly weight: number;
  readonly doubles: Doubles;
  /** Strikes and mends. Resolves with what it did in a few words. */
  strike(strike: Strike): Promise<string>;
}
