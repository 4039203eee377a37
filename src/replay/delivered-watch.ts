import type { Clock } from '../lifecycle/clock.js';
import type { Lsn } from '../postgres/lsn.js';
import type { LaneName } from '../queue/keys.js';
import type { DeliveredLanes, LaneSnapshot, QueueSink } from '../queue/queue-sink.js';
import { DeliveredFloor, type LaneSeqs } from './delivered-floor.js';
import type { DeliveredState } from './delivered-state.js';

export interface DeliveredWatchOptions {
  readonly sink: Pick<QueueSink, 'laneSnapshot' | 'delivered' | 'failure'>;
  /** Position up to which all is in Redis, and the commit time of the last transaction up to there. */
  readonly queued: () => { readonly endLsn: Lsn; readonly commitTimeUs: number | null };
  /** What the checkpoint knows. */
  readonly known: DeliveredState;
  /** Writes it into the checkpoint, beside the rows that capture writes anyway. */
  readonly write: (state: DeliveredState) => Promise<void>;
  /**
   * Resolves when the counts of all that was delivered by now are where a lost Redis cannot take them along: what is known to
   * be delivered is not sent again, so nobody would count it again. Default: nothing is counted.
   */
  readonly counted?: () => Promise<void>;
  readonly clock: Clock;
  readonly onChange?: (floor: Lsn) => void;
  /** How often Redis is asked. Default 500. */
  readonly intervalMs?: number;
  /** Deliveries that no row of capture's has told of are written after this long. Default 5,000. */
  readonly writeAfterMs?: number;
  /** Counts are asked for no more often than this. Default 1,000. */
  readonly countEveryMs?: number;
}

/**
 * Follows what is delivered, so that the checkpoint can say from where a Redis that lost everything must be filled again.
 * What is delivered is known only once it is on disk: the replay slot trails at `onDisk`, never ahead of it.
 */
export class DeliveredWatch {
  readonly #options: DeliveredWatchOptions;
  readonly #floor: DeliveredFloor;
  #lanes: DeliveredLanes;
  #onDisk: DeliveredState;
  #onDiskAtMs: number;
  #countedAtMs = 0;

  constructor(options: DeliveredWatchOptions) {
    this.#options = options;
    this.#floor = new DeliveredFloor(options.known.floor, options.known.commitTimeUs);
    this.#lanes = options.known.lanes;
    this.#onDisk = options.known;
    this.#onDiskAtMs = options.clock.now();
  }

  get state(): DeliveredState {
    return { floor: this.#floor.floor, commitTimeUs: this.#floor.commitTimeUs, lanes: this.#lanes };
  }

  /** The position a checkpoint on disk knows to be delivered. */
  get onDisk(): Lsn {
    return this.#onDisk.floor;
  }

  /** A row with this state was committed. */
  wrote(state: DeliveredState): void {
    this.#onDisk = state;
    this.#onDiskAtMs = this.#options.clock.now();
  }

  /** Runs until the signal aborts. @throws what writing a row throws, and what the sink has failed with */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, sink, intervalMs = 500, countEveryMs = 1_000 } = this.#options;
    while (!signal.aborted) {
      // While nothing is offered nobody else would hear of it.
      if (sink.failure !== null) throw sink.failure;
      if (clock.now() - this.#countedAtMs >= countEveryMs) await this.look();
      await this.#writeIfDue();
      await clock.sleep(intervalMs, signal);
    }
  }

  /** What is delivered by now. While a server is away it is learnt later, and until then the floor stays. */
  async look(): Promise<void> {
    const { sink, queued, onChange, counted, clock } = this.#options;
    const { endLsn, commitTimeUs } = queued();
    this.#floor.queued(endLsn, commitTimeUs, seqsOf(sink.laneSnapshot()));
    let lanes: DeliveredLanes;
    try {
      lanes = await sink.delivered();
      if (!sameSeqs(seqsOf(lanes), seqsOf(this.#lanes))) {
        this.#countedAtMs = clock.now();
        await counted?.();
      }
    } catch {
      // Whoever counts says so, and the sink says that Redis is away.
      return;
    }
    this.#lanes = lanes;
    const before = this.#floor.floor;
    if (this.#floor.delivered(seqsOf(lanes)) > before) onChange?.(this.#floor.floor);
  }

  /** Not for a position alone: a row of its own moves that, and would call for the next one. */
  async #writeIfDue(): Promise<void> {
    const { clock, write, writeAfterMs = 5_000 } = this.#options;
    const state = this.state;
    if (state.floor <= this.#onDisk.floor || clock.now() - this.#onDiskAtMs < writeAfterMs) return;
    const newer = state.commitTimeUs !== this.#onDisk.commitTimeUs;
    if (!newer && sameSeqs(seqsOf(state.lanes), seqsOf(this.#onDisk.lanes))) return;
    await write(state);
    this.wrote(state);
  }
}

function seqsOf(lanes: LaneSnapshot | DeliveredLanes): LaneSeqs {
  return Object.fromEntries(Object.entries(lanes).map(([name, { seq }]) => [name, seq]));
}

function sameSeqs(a: LaneSeqs, b: LaneSeqs): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]) as ReadonlySet<LaneName>;
  return [...names].every((name) => a[name] === b[name]);
}
