import type { Random } from '../../src/demo/simulator/random.js';
import type { Site } from './site.js';

/** Faults of one area exclude each other. */
export type Area = 'process' | 'redis' | 'postgres' | 'way' | 'segment' | 'schema' | 'commit' | 'slot';

/**
 * Calls that may reach Segment more than once because of one strike. `none`: none. `requests`: those of at most so many
 * requests, sent shortly before it or while it lasted. `queue`: Redis lost what it held, so whatever was not known on disk
 * to be delivered is derived again. What Segment's own answers leave in doubt is known exactly: see `Deliveries`.
 */
export type Doubt =
  | { readonly tag: 'none' }
  | { readonly tag: 'requests'; readonly most: number }
  | { readonly tag: 'queue'; readonly lost: QueueLoss };

/** What the database knew when Redis lost its data, and until when that was being made good. */
export interface QueueLoss {
  /** Commits up to here were known to be delivered, milliseconds since 1970; null: none yet. */
  readonly deliveredUpToMs: number | null;
  /** From then on all that had been committed before the loss was known to be delivered; null: not yet. */
  readonly mendedAtMs: number | null;
}

export interface Strike {
  readonly site: Site;
  /** This strike's own: what it decides depends on the seed and its number alone. */
  readonly random: Random;
  sleep(ms: number): Promise<void>;
}

/** What a strike came to. */
export interface Outcome {
  /** In a few words. */
  readonly did: string;
  /** False: there was nothing to strike, or it was cut short before it could matter. */
  readonly isHit: boolean;
  readonly doubt: Doubt;
  /** Capture may have had to begin again what it was doing. */
  readonly interruptsCapture: boolean;
  /** What is wrong whatever arrives; each in words. */
  readonly findings: readonly string[];
}

export interface Fault {
  readonly name: string;
  readonly area: Area;
  /** How often, relative to the others of its track. */
  readonly weight: number;
  /** It leaves the installation at a standstill for a minute: it comes last of its round, for what follows would meet nothing. */
  readonly isLong?: boolean;
  /** Strikes and mends. */
  strike(strike: Strike): Promise<Outcome>;
}

const NO_DOUBT: Doubt = { tag: 'none' };

/** It struck. Nothing comes twice because of it unless `what` says so. */
export function hit(
  did: string,
  what: Partial<Pick<Outcome, 'doubt' | 'interruptsCapture' | 'findings'>> = {},
): Outcome {
  return { did, isHit: true, doubt: NO_DOUBT, interruptsCapture: false, findings: [], ...what };
}

/** It met nothing. */
export function missed(did: string, findings: readonly string[] = []): Outcome {
  return { did, isHit: false, doubt: NO_DOUBT, interruptsCapture: false, findings };
}

/** One lane's request and one of a side lane: what two deliver processes can have in flight at one moment. */
export const IN_FLIGHT: Doubt = { tag: 'requests', most: 2 };

/** At its beginning and at its end, where something lasts. */
export const IN_FLIGHT_TWICE: Doubt = { tag: 'requests', most: 4 };
