import type { Knex } from 'knex';
import type { Clock } from '../lifecycle/clock.js';
import { failpoint } from '../lifecycle/failpoint.js';
import type { Logger } from '../observability/logger.js';
import { PARKED_GAP } from '../postgres/gap-reasons.js';
import { insertGap } from '../postgres/gap-store.js';
import { formatLsn, type Lsn } from '../postgres/lsn.js';
import { parkSource, unparkSource, type ParkedState } from '../postgres/source-store.js';
import { timeAtLsn } from '../replay/time-index.js';
import type { Progress } from './checkpoints.js';
import type { CaptureObserver } from './observer.js';

/** One stay of a source outside the live stream; parked again it is another one. */
export interface Parked {
  readonly source: string;
  /**
   * Everything up to there is queued, and the database says so: the end of a commit, as a stream can begin only where one
   * ends or before.
   */
  readonly upTo: Lsn;
  readonly commitTimeUs: number | null;
}

export interface ParkedSourcesOptions {
  readonly knex: Knex;
  readonly slotName: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer: CaptureObserver;
  /** What is queued for a source that takes part in the live stream. */
  readonly queued: (source: string) => Progress;
  readonly withDatabase: <T>(step: () => Promise<T>) => Promise<T>;
}

/**
 * The sources that are parked, here and in the database. Whatever passes a source by may be confirmed to the server only
 * when the row says up to where the source has everything; so each change is written before anybody relies on it, and the
 * writes of all sources go one after the other.
 */
export class ParkedSources {
  readonly #options: ParkedSourcesOptions;
  readonly #parked = new Map<string, Mutable<Parked>>();
  #writing: Promise<unknown> = Promise.resolve();

  constructor(options: ParkedSourcesOptions) {
    this.#options = options;
  }

  /** As an earlier process left it. */
  begin(source: string, { upTo, commitTimeUs }: Pick<ParkedState, 'upTo' | 'commitTimeUs'>): void {
    this.#parked.set(source, { source, upTo, commitTimeUs });
    this.#options.observer.parked?.(source, true);
  }

  get all(): readonly Parked[] {
    return [...this.#parked.values()];
  }

  of(source: string): Parked | null {
    return this.#parked.get(source) ?? null;
  }

  /** It is configured no more; what it missed is written down elsewhere. */
  forget(source: string): void {
    if (this.#parked.delete(source)) this.#options.observer.parked?.(source, false);
  }

  /** The source leaves the live stream where it stands now. Resolves when that is durable. */
  async park(source: string): Promise<void> {
    const { logger, observer, slotName, queued } = this.#options;
    // Parked anew before what it had missed was all queued, it still misses that.
    const before = this.#parked.get(source);
    const { endLsn, commitTimeUs } = queued(source);
    const parked = before === undefined ? { source, upTo: endLsn, commitTimeUs } : { ...before };
    const { upTo } = parked;
    this.#parked.set(source, parked);
    await this.#write((knex) => parkSource(knex, slotName, source, parked));
    failpoint('source-parked');
    observer.parked?.(source, true);
    logger.warn(
      { source, upTo: formatLsn(upTo) },
      'the source is past its queue budget and parked: capture goes on for the others, and what it misses is queued when there is room',
    );
  }

  /** It has more of what it misses; or, when its queue was lost, less. Changes nothing once it is parked anew. */
  async move(parked: Parked, to: Pick<Parked, 'upTo' | 'commitTimeUs'>): Promise<void> {
    const { slotName } = this.#options;
    await this.#write(async (knex) => {
      if (this.#parked.get(parked.source) !== parked) return;
      await parkSource(knex, slotName, parked.source, to);
      Object.assign(parked, { upTo: to.upTo, commitTimeUs: to.commitTimeUs });
    });
    failpoint('source-moved');
  }

  /** It has everything, and takes part in the live stream. Changes nothing once it is parked anew. */
  async unpark(parked: Parked): Promise<void> {
    const { slotName, logger, observer } = this.#options;
    const { source } = parked;
    await this.#write(async (knex) => {
      if (this.#parked.get(source) !== parked) return;
      await unparkSource(knex, slotName, source);
      // Parked anew while this was written: that is written next.
      if (this.#parked.get(source) === parked) this.#parked.delete(source);
    });
    failpoint('source-unparked');
    if (this.#parked.has(source)) return;
    observer.parked?.(source, false);
    logger.info({ source }, 'the source has what it missed and takes part in the live stream again');
  }

  /**
   * The WAL up to `to` is about to be gone: what sources miss of it is written down as a gap of theirs, and they are brought
   * the rest.
   */
  async fallBehind(to: Lsn): Promise<void> {
    const { slotName, logger, observer, clock } = this.#options;
    for (const parked of this.all) {
      if (parked.upTo >= to) continue;
      const { source, upTo: fromLsn, commitTimeUs: fromTimeUs } = parked;
      await this.#write(async (knex) => {
        if (this.#parked.get(source) !== parked || parked.upTo >= to) return;
        const toTimeUs = (await timeAtLsn(knex, slotName, to)) ?? clock.now() * 1_000;
        await knex.transaction(async (transaction) => {
          const gap = { fromLsn, toLsn: to, fromTimeUs, toTimeUs, reason: PARKED_GAP };
          await insertGap(transaction, { slotName, source, ...gap });
          await parkSource(transaction, slotName, source, { upTo: to, commitTimeUs: fromTimeUs });
        });
        // What comes next was committed later than what is known of before.
        Object.assign(parked, { upTo: to, commitTimeUs: fromTimeUs });
      });
      failpoint('parked-gap-recorded');
      observer.fellBehind?.(source);
      logger.error(
        { source, from: formatLsn(fromLsn), to: formatLsn(to) },
        'a parked source outlasted the replay window; fill what it misses with paytronix-segment recover',
      );
    }
  }

  #write(act: (knex: Knex) => Promise<void>): Promise<void> {
    const { knex, withDatabase } = this.#options;
    const written = this.#writing.then(() => withDatabase(() => act(knex)));
    this.#writing = written.catch(() => undefined);
    return written;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
