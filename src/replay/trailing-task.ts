import type { Knex } from 'knex';

import { ConnectorError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import { failpoint } from '../lifecycle/failpoint.js';
import type { Logger } from '../observability/logger.js';
import { formatLsn, type Lsn } from '../postgres/lsn.js';
import { dropSlot, isInvalidated, readSlot, replaySlotName, type SlotState } from '../postgres/slot.js';
import type { OnDisk } from './delivered-watch.js';
import { oldestTransaction, type LongTransaction } from './long-transaction.js';
import { advanceReplaySlot } from './replay-slot.js';
import { lsnAtTime, notePosition, prunePositions, timeAtLsn } from './time-index.js';
import { DEFAULT_TRAILING, heldBack, trailingStep, type TrailingLimits } from './trailing.js';

/** The replay slot as metrics and readiness show it. */
export interface ReplaySlotReport {
  /** Null: replay and healing have nothing to read. */
  readonly slot: SlotState | null;
  /** Why the window is not what it should be; null: it is. */
  readonly degraded: 'missing' | 'dropped' | 'lost' | 'held-back' | null;
  /** How far back a replay can go; 0 where nothing is known. */
  readonly windowMs: number;
  /** What keeps its WAL from being freed; null: nothing worth a word. */
  readonly heldBackBy: LongTransaction | null;
}

export interface TrailingTaskOptions {
  readonly knex: Knex;
  readonly slotName: string;
  readonly retentionMs: number;
  readonly maxWalBytes: number;
  /** What is delivered, as a checkpoint on disk says. */
  readonly delivered: () => OnDisk;
  /** Resolves when it is written down that the slot no longer holds what parked sources miss up to there. */
  readonly passing: (to: Lsn) => Promise<void>;
  /** Everything up to here was committed before now. */
  readonly passed: () => Lsn;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onReport?: (report: ReplaySlotReport) => void;
  readonly onDropped?: (reason: 'too-much-wal' | 'lost', retainedBytes: bigint) => void;
  /** Default 5,000. */
  readonly intervalMs?: number;
  /** Default: `DEFAULT_TRAILING`. */
  readonly limits?: Partial<TrailingLimits>;
}

/**
 * Keeps the replay slot trailing beside a capture session: notes positions in the time index, moves the slot on in small
 * steps, drops it with an alarm before it fills the server's disk. Its failures never end capture.
 */
export class TrailingTask {
  readonly #options: TrailingTaskOptions;
  readonly #name: string;
  readonly #limits: TrailingLimits;
  #advancedAtMs: number | null = null;
  #stepBytes: bigint;
  #dropped: 'dropped' | 'lost' | null = null;
  #complaint: ReplaySlotReport['degraded'] = null;

  constructor(options: TrailingTaskOptions) {
    this.#options = options;
    this.#name = replaySlotName(options.slotName);
    this.#limits = {
      ...DEFAULT_TRAILING,
      retentionMs: options.retentionMs,
      maxWalBytes: BigInt(options.maxWalBytes),
      ...options.limits,
    };
    this.#stepBytes = this.#limits.stepBytes;
  }

  /** Runs until the signal aborts. Only a defect rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, intervalMs = 5_000 } = this.#options;
    while (!signal.aborted) {
      try {
        await this.tick();
      } catch (error) {
        if (!(error instanceof ConnectorError)) throw error;
        logger.debug(
          { code: error.code, err: error },
          'the replay slot could not be looked after; trying again',
        );
      }
      await clock.sleep(intervalMs, signal);
    }
  }

  /** One look, and one step at most. @throws ConnectorError DATABASE_… */
  async tick(): Promise<void> {
    const { knex, slotName, clock, passed } = this.#options;
    await notePosition(knex, slotName, passed());
    let slot = await readSlot(knex, this.#name);
    const step = trailingStep(await this.#state(slot), { ...this.#limits, stepBytes: this.#stepBytes });
    switch (step.tag) {
      case 'missing':
      case 'stay':
        break;
      case 'drop':
        await this.#drop(step.reason, step.retainedBytes);
        slot = null;
        break;
      case 'advance':
        await this.#advance(step.to);
        this.#advancedAtMs = clock.now();
        slot = await readSlot(knex, this.#name);
        if (slot?.confirmedFlushLsn != null) await prunePositions(knex, slotName, slot.confirmedFlushLsn);
        break;
      default:
        step satisfies never;
    }
    await this.#report(slot);
  }

  async #state(slot: SlotState | null): Promise<Parameters<typeof trailingStep>[0]> {
    const { knex, slotName, delivered, clock } = this.#options;
    const retained =
      this.#limits.retentionMs === 0
        ? null
        : await lsnAtTime(knex, slotName, (clock.now() - this.#limits.retentionMs) * 1_000);
    const sinceAdvanceMs = this.#advancedAtMs === null ? null : clock.now() - this.#advancedAtMs;
    const common = { ...delivered(), retained, sinceAdvanceMs };
    if (slot === null) return { ...common, slot: null, wal: common.delivered };
    const restart = slot.restartLsn ?? slot.confirmedFlushLsn ?? common.delivered;
    return {
      ...common,
      slot: { position: slot.confirmedFlushLsn ?? restart, restart, lost: isInvalidated(slot) },
      wal: (restart + (slot.retainedBytes ?? 0n)) as Lsn,
    };
  }

  async #advance(to: Lsn): Promise<void> {
    await this.#options.passing(to);
    try {
      await advanceReplaySlot(this.#options.knex, this.#name, to);
      this.#stepBytes = this.#limits.stepBytes;
    } catch (error) {
      // Too much to read within the statement timeout: less at once, next time.
      if (error instanceof ConnectorError && error.code === 'DATABASE_BUSY' && this.#stepBytes > 1n) {
        this.#stepBytes /= 2n;
      }
      throw error;
    }
  }

  async #drop(reason: 'too-much-wal' | 'lost', retainedBytes: bigint): Promise<void> {
    const { knex, logger, onDropped, passing, passed } = this.#options;
    await passing(passed());
    await dropSlot(knex, this.#name);
    failpoint('replay-slot-dropped');
    this.#dropped = reason === 'lost' ? 'lost' : 'dropped';
    const facts = { slot: this.#name, reason, retainedBytes: Number(retainedBytes) };
    const by = await oldestTransaction(knex);
    logger.error(
      { ...facts, maxWalBytes: Number(this.#limits.maxWalBytes), oldestTransaction: by },
      'the replay slot was dropped: replay and the healing of redis are not possible until the next start makes a new one',
    );
    onDropped?.(reason, retainedBytes);
  }

  async #report(slot: SlotState | null): Promise<void> {
    const { knex, slotName, clock, logger, onReport } = this.#options;
    const position = slot?.confirmedFlushLsn ?? null;
    const restart = slot?.restartLsn ?? null;
    const isHeldBack =
      position !== null && restart !== null && heldBack({ position, restart }, this.#limits.heldBackBytes);
    const heldBackBy = isHeldBack ? await oldestTransaction(knex) : null;
    const sinceUs = position === null ? null : await timeAtLsn(knex, slotName, position);
    const degraded = slot === null ? (this.#dropped ?? 'missing') : isHeldBack ? 'held-back' : null;
    if (degraded !== this.#complaint && degraded !== null) {
      const facts = {
        slot: this.#name,
        why: degraded,
        position: position === null ? null : formatLsn(position),
      };
      logger.warn(
        { ...facts, heldBackBy },
        degraded === 'held-back'
          ? 'one long open transaction holds the replay slot back, and the WAL with it'
          : 'there is no replay slot: the next start makes one',
      );
    }
    this.#complaint = degraded;
    onReport?.({
      slot,
      degraded,
      heldBackBy,
      windowMs: sinceUs === null ? 0 : Math.max(0, clock.now() - sinceUs / 1_000),
    });
  }
}
