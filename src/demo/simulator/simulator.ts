import type pg from 'pg';

import { systemClock, type Clock } from '../../lifecycle/clock.js';
import { Ids } from './ids.js';
import { openBrand } from './open-brand.js';
import { ACTS, actAt } from './programme.js';
import { seededRandom } from './random.js';
import { World, type Act, type Scene } from './world.js';
import { RunStopped, Writer } from './writer.js';

export interface SimulatorOptions {
  readonly pool: pg.Pool;
  /** Members the brand has from before. Default 200. */
  readonly guests?: number;
  /** Commits a second at most; null = as many as the server takes. Default 40. */
  readonly ratePerSecond?: number | null;
  /** The same seed decides the same; what overlaps may still commit in another order. Default 1. */
  readonly seed?: number;
  /** Acts under way at once; each holds at most one connection of the pool. Default 6. */
  readonly concurrency?: number;
  /** Added to every id, for several brands' runs in one database. Default 0. */
  readonly idBase?: bigint;
  /** What may happen. Default: the whole programme, each kind once and then by weight. */
  readonly nextAct?: typeof actAt;
  /** Performed however short the time. Default: one of each kind. */
  readonly minimumActs?: number;
  readonly clock?: Clock;
}

export interface RunSummary {
  readonly acts: number;
  readonly commits: number;
  readonly rollbacks: number;
  readonly seconds: number;
}

interface PutOff {
  readonly dueAtMs: number;
  readonly work: () => Promise<void>;
}

const POLL_MS = 20;

/**
 * A restaurant brand that does business with plain SQL: `open` writes merchants, stores, programme and members;
 * `run` lets it do business for a while. It knows nothing of the connector.
 */
export class Simulator {
  readonly #options: SimulatorOptions;
  readonly #clock: Clock;
  readonly #world: World;
  #acts = 0;
  readonly #writers: Writer[] = [];

  constructor(options: SimulatorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#world = new World(new Ids(options.idBase));
  }

  /** So far, roll-backs not counted. */
  get commits(): number {
    return this.#writers.reduce((sum, { commits }) => sum + commits, 0);
  }

  async open(): Promise<void> {
    const writer = this.#writer(null, new AbortController().signal);
    const random = seededRandom(this.#seed).fork(-2);
    await writer.commit((tx) => openBrand(tx, this.#world, random, this.#options.guests ?? 200));
  }

  /**
   * Performs acts for `seconds`, then what they put off. At least one of each kind, however short the time.
   * Resolves early, with nothing half written, when the signal aborts. @throws what an act threw.
   */
  async run(seconds: number, signal: AbortSignal = new AbortController().signal): Promise<RunSummary> {
    const failure = new AbortController();
    const stop = AbortSignal.any([signal, failure.signal]);
    const rate = this.#options.ratePerSecond === undefined ? 40 : this.#options.ratePerSecond;
    const writer = this.#writer(rate, stop);
    const startMs = this.#clock.now();
    const endMs = startMs + seconds * 1_000;
    const putOff: PutOff[] = [];
    const actsBefore = this.#acts;
    let working = 0;
    const perform = async (): Promise<void> => {
      while (!stop.aborted) {
        const due = takeDue(putOff, this.#clock.now());
        const open =
          this.#clock.now() < endMs || this.#acts - actsBefore < (this.#options.minimumActs ?? ACTS.length);
        const work = due?.work ?? (open ? this.#nextWork(writer, putOff) : null);
        if (work === null) {
          // Somebody still at work may put something off.
          if (putOff.length === 0 && working === 0) return;
          await this.#clock.sleep(POLL_MS, stop);
          continue;
        }
        working += 1;
        try {
          await work();
        } finally {
          working -= 1;
        }
      }
    };
    const guarded = async (): Promise<void> => {
      try {
        await perform();
      } catch (error) {
        // The first failure stops the others; being stopped is not a failure.
        if (error instanceof RunStopped) return;
        failure.abort();
        throw error;
      }
    };
    const workers = await Promise.allSettled(
      Array.from({ length: this.#options.concurrency ?? 6 }, () => guarded()),
    );
    for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
    return {
      acts: this.#acts - actsBefore,
      commits: writer.commits,
      rollbacks: writer.rollbacks,
      seconds: (this.#clock.now() - startMs) / 1_000,
    };
  }

  get #seed(): number {
    return this.#options.seed ?? 1;
  }

  #writer(ratePerSecond: number | null, signal: AbortSignal): Writer {
    const writer = new Writer({ pool: this.#options.pool, clock: this.#clock, ratePerSecond, signal });
    this.#writers.push(writer);
    return writer;
  }

  #nextWork(writer: Writer, putOff: PutOff[]): () => Promise<void> {
    const index = this.#acts;
    this.#acts += 1;
    const random = seededRandom(this.#seed).fork(index);
    const act: Act = (this.#options.nextAct ?? actAt)(index, random);
    const scene: Scene = {
      random,
      world: this.#world,
      write: writer,
      clock: this.#clock,
      later: (delayMs, work) => putOff.push({ dueAtMs: this.#clock.now() + delayMs, work }),
    };
    return () => act.perform(scene);
  }
}

function takeDue(putOff: PutOff[], nowMs: number): PutOff | null {
  const index = putOff.findIndex(({ dueAtMs }) => dueAtMs <= nowMs);
  return index < 0 ? null : (putOff.splice(index, 1)[0] ?? null);
}
