import { seededRandom } from '../../src/demo/simulator/random.js';
import { TRACKS } from './catalogue.js';
import type { Outcome } from './fault.js';
import { schedule } from './schedule.js';
import type { Site } from './site.js';

/** One strike, and what it came to. Times in milliseconds since 1970. */
export interface Struck extends Outcome {
  readonly name: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface StrikesOptions {
  readonly seed: number;
  readonly minutes: number;
  /** Names of faults; empty: all. */
  readonly faults: readonly string[];
  readonly signal: AbortSignal;
}

/** A track that is behind its time does not strike before what it struck last can begin to mend. */
const LEAST_PAUSE_MS = 500;

/** Strikes, on every track at once, until the time is over. A strike is mended in full even then. */
export async function strikes(site: Site, options: StrikesOptions): Promise<Struck[]> {
  const over = new AbortController();
  const startedAtMs = Date.now();
  const timer = setTimeout(() => over.abort(), options.minutes * 60_000);
  options.signal.addEventListener('abort', () => over.abort());
  const struck: Struck[] = [];
  const tracks = Object.entries(TRACKS).map(async ([track, faults], index) => {
    const wanted = faults.filter(({ name }) => options.faults.length === 0 || options.faults.includes(name));
    const random = seededRandom(options.seed).fork(index + 1_000);
    let no = 0;
    let mendedAtMs = startedAtMs;
    for (const { fault, atMs, random: own } of schedule(wanted, random)) {
      await sleep(Math.max(startedAtMs + atMs, mendedAtMs + LEAST_PAUSE_MS) - Date.now(), over.signal);
      if (over.signal.aborted) return;
      no += 1;
      const label = `${track} ${no}: ${fault.name}`;
      site.log(`${label} …`);
      const fromMs = Date.now();
      const outcome = await fault.strike({ site, random: own, sleep: (ms) => sleep(ms) });
      mendedAtMs = Date.now();
      struck.push({ ...outcome, name: fault.name, fromMs, untilMs: mendedAtMs });
      site.log(`${label}: ${outcome.isHit ? '' : 'void, '}${outcome.did}`);
    }
  });
  try {
    await Promise.all(tracks);
  } finally {
    clearTimeout(timer);
    over.abort();
    // One track has failed: the others mend what they have struck before the servers are taken from them.
    await Promise.allSettled(tracks);
  }
  return struck;
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, Math.max(0, ms));
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    if (signal?.aborted === true) done();
    else signal?.addEventListener('abort', done);
  });
}
