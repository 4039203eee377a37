import type { Clock } from '../lifecycle/clock.js';
import type { Lsn } from '../postgres/lsn.js';
import type { LaneName } from '../queue/keys.js';
import type { DeliveredLanes, LaneSnapshot, QueueSink } from '../queue/queue-sink.js';
import type { LaneSeqs } from './delivered-floor.js';
import { DeliveredFloors, leastOf, type Reached, type SourceProgress } from './delivered-floors.js';
import type { DeliveredState } from './delivered-state.js';

export interface DeliveredWatchOptions {
  readonly sink: Pick<QueueSink, 'laneSnapshot' | 'delivered' | 'failure'>;
  /** What the live stream has queued, for sources that take part in it. */
  readonly queued: () => Reached;
  readonly sources: () => readonly SourceProgress[];
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

/** What the replay slot must keep: from here on it can be derived again. */
export interface OnDisk {
  /** Of the sources that take part in the live stream, the one least far. */
  readonly delivered: Lsn;
  /** Of those that are parked; null: none is. */
  readonly parked: Lsn | null;
}

/**
 * Follows what is delivered, so that the checkpoint can say from where a Redis that lost everything must be filled again.
 * What is delivered is known only once it is on disk: the replay slot trails at `onDisk`, never ahead of it.
 */
export class DeliveredWatch {
  readonly #options: DeliveredWatchOptions;
  readonly #floors = new DeliveredFloors();
  #common: Reached;
  #lanes: DeliveredLanes;
  #onDisk: DeliveredState;
  #onDiskAtMs: number;
  #countedAtMs = 0;

  constructor(options: DeliveredWatchOptions) {
    this.#options = options;
    const { known, clock } = options;
    this.#common = { floor: known.floor, commitTimeUs: known.commitTimeUs };
    this.#lanes = known.lanes;
    this.#onDisk = known;
    this.#onDiskAtMs = clock.now();
  }

  get state(): DeliveredState {
    const own = this.#floors.sources;
    const sources = this.#options.sources().map(({ name, known }) => [name, own[name] ?? known] as const);
    return { ...this.#common, lanes: this.#lanes, sources: Object.fromEntries(sources) };
  }

  /** What a checkpoint on disk knows to be delivered. */
  get onDisk(): OnDisk {
    const { floor, sources } = this.#onDisk;
    const of = (parked: boolean): Lsn | null => {
      const names = this.#options.sources().filter((each) => each.parked === parked);
      return leastOf(names.map(({ name, known }) => sources[name] ?? known))?.floor ?? null;
    };
    return { delivered: of(false) ?? floor, parked: of(true) };
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
    const { sink, sources, queued, counted, clock } = this.#options;
    const live = queued();
    this.#floors.queued(sources(), seqsOf(sink.laneSnapshot()));
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
    this.#floors.delivered(seqsOf(lanes));
    this.#settleCommon(live);
  }

  /** Of the sources that take part; where none does, nothing but what was read keeps the floor back. */
  #settleCommon(live: Reached): void {
    const { sources, onChange } = this.#options;
    const own = this.#floors.sources;
    const taking = sources().filter(({ parked }) => !parked);
    const least = leastOf(taking.map(({ name, known }) => own[name] ?? known));
    const before = this.#common.floor;
    this.#common = least ?? live;
    if (this.#common.floor > before) onChange?.(this.#common.floor);
  }

  /** Not for a position alone: a row of its own moves that, and would call for the next one. */
  async #writeIfDue(): Promise<void> {
    const { clock, write, writeAfterMs = 5_000 } = this.#options;
    if (clock.now() - this.#onDiskAtMs < writeAfterMs) return;
    const state = this.state;
    const before = this.#onDisk.sources;
    const moved = Object.entries(state.sources).some(
      ([name, { floor }]) => floor > (before[name] ?? this.#onDisk).floor,
    );
    const newer = Object.entries(state.sources).some(
      ([name, { commitTimeUs }]) => commitTimeUs !== (before[name] ?? this.#onDisk).commitTimeUs,
    );
    if (!moved || (!newer && sameSeqs(seqsOf(state.lanes), seqsOf(this.#onDisk.lanes)))) return;
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
