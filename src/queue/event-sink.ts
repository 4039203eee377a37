import { systemClock, type Clock } from '../lifecycle/clock.js';
import type { Lsn } from '../postgres/lsn.js';
import type { GuestSet } from '../suppression/guest-set.js';
import { isListed } from '../suppression/listed-guests.js';
import { originOf } from './batch.js';
import { DEFAULT_PREFIX, laneName, type LaneName } from './keys.js';
import type { LaneProducer } from './lane-producer.js';
import { compareLanes, deliveredIn } from './lane-comparison.js';
import { checkLanes, watchLanes, type LaneWatchOptions } from './lane-watch.js';
import { claimLanes } from './lanes.js';
import { LetterWriter } from './letter-writer.js';
import { formatMark } from './mark.js';
import { MemoryGuard } from './memory-guard.js';
import { publishListed } from './listed-guests.js';
import { DEFAULT_LINGER } from './nagle.js';
import type { QueueObserver } from './observer.js';
import { OfferAccount } from './offer-account.js';
import { PatientRedis } from './patient-redis.js';
import type { DeliveredLanes, EventSinkOptions, LaneMark, LaneSnapshot, QueueSink } from './queue-sink.js';
import type { RedisClient } from './redis.js';
import { Settlement } from './settlement.js';
import { laneFor, openSource, type SourceLanes } from './source-lanes.js';
import type { OfferedTransaction } from './sink.js';
import { countSuppressed, suppressGuests } from './suppressions.js';

export type { EventSinkOptions, LaneSnapshot, QueueSink } from './queue-sink.js';

export function createEventSink(options: EventSinkOptions): QueueSink {
  return new RedisEventSink(options);
}

const DEFAULT_BUFFER_BYTES = 16 * 1024 * 1024;
const DEFAULT_BUDGET_BYTES = 1024 ** 3;
const DEFAULT_POLL_MS = 500;
const DEFAULT_LANE_CHECK_MS = 2_000;
/** 2020-01-01: seconds since then fit the tallies' four bytes until 2088. */
const RUN_ZERO_SECONDS = 1_577_836_800;
/** For commands under way when the sink is closed. */
const CLOSE_GRACE_MS = 2_000;

class RedisEventSink implements QueueSink {
  readonly #options: EventSinkOptions;
  readonly #clock: Clock;
  readonly #observer: QueueObserver;
  readonly #prefix: string;
  readonly #account: OfferAccount;
  readonly #sources = new Map<string, SourceLanes>();
  readonly #ending = new AbortController();
  readonly #writer: LetterWriter;
  readonly #redis: PatientRedis;
  #guard: MemoryGuard | null = null;
  #guarding: Promise<void> | null = null;
  #watching: Promise<void> | null = null;
  #starting: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  failure: Error | null = null;

  constructor(options: EventSinkOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#prefix = options.prefix ?? DEFAULT_PREFIX;
    this.#account = new OfferAccount(options.bufferBytes ?? DEFAULT_BUFFER_BYTES, () => this.#throwIfOver());
    const given = options.observer ?? {};
    this.#observer = {
      ...given,
      waiting: (why, source, error) => {
        if (error !== null) this.#redis.noteProblem(error);
        given.waiting?.(why, source, error);
      },
    };
    this.#redis = new PatientRedis({
      redis: options.redis,
      commandTimeoutMs: options.commandTimeoutMs ?? 5_000,
      clock: this.#clock,
      observer: this.#observer,
      signal: this.#ending.signal,
    });
    this.#writer = new LetterWriter({
      clock: this.#clock,
      observer: this.#observer,
      patiently: async (act) => this.#redis.run(act),
      onWritten: (jsonBytes) => this.#account.released(jsonBytes),
      onFatal: (error) => this.#fail(error),
    });
  }

  start(options: { readonly trustMarksUpTo?: Lsn | null } = {}): Promise<void> {
    this.#starting ??= this.#start(options.trustMarksUpTo ?? null);
    return this.#starting;
  }

  async offer(offered: OfferedTransaction): Promise<void> {
    this.#throwIfOver();
    const source = this.#sources.get(offered.source);
    if (source === undefined) throw new RangeError(`unknown source ${offered.source}, or not started`);
    this.#account.opened();
    const settlement = new Settlement(() => {
      offered.settled();
      this.#account.settled();
    });
    const origin = originOf(offered, settlement);
    for (const call of offered.calls) {
      if (isListed(this.#options.listed, call.guestId)) {
        this.#account.buffered(laneFor(source, call.accountKey).passOver(call, origin));
      } else if (call.tag === 'rejected') {
        const { name, letters } = source;
        this.#account.buffered(this.#writer.push({ event: call, origin, source: name, letters }));
      } else {
        this.#account.buffered(laneFor(source, call.accountKey).offer(call, origin));
      }
      if (this.#account.isFull) await this.#room(source);
    }
    settlement.offered();
    this.#kick(source, false);
    if (this.#account.isFull) await this.#room(source);
  }

  async flush(): Promise<void> {
    for (const source of this.#sources.values()) this.#kick(source, true);
    await this.#account.empty();
  }

  async suppress(guestIds: readonly string[]): Promise<void> {
    // First the suppression: a letter set aside later is dropped by whoever sets it aside.
    await this.#redis.run(async (client) => suppressGuests(client, this.#prefix, guestIds));
    for (const { letters } of this.#sources.values()) {
      await this.#redis.run(async () => letters.dropOfGuests(guestIds));
    }
  }

  async publishListed(guests: GuestSet): Promise<boolean> {
    const sources = [...this.#sources.keys()];
    const patiently = async <T>(step: (client: RedisClient) => Promise<T>): Promise<T> =>
      this.#redis.run(step);
    return publishListed({ prefix: this.#prefix, sources, patiently }, guests);
  }

  laneSnapshot(): LaneSnapshot {
    const snapshot: Record<LaneName, LaneMark> = {};
    for (const source of this.#sources.values()) {
      for (const producer of source.lanes) {
        const { mark, ...rest } = producer.snapshot;
        snapshot[laneName(source.name, producer.lane)] = {
          ...rest,
          mark: mark === null ? null : formatMark(mark),
        };
      }
    }
    return snapshot;
  }

  async compareWithCheckpoint(stored: LaneSnapshot): Promise<void> {
    // A lane of a source that is configured no more was not taken over, and what was last queued there shows only then.
    const open = this.laneSnapshot();
    const known = Object.entries(stored).filter(([lane]) => Object.hasOwn(open, lane));
    await compareLanes(async (act) => this.#redis.run(act), this.#prefix, Object.fromEntries(known));
  }

  async delivered(): Promise<DeliveredLanes> {
    return deliveredIn(this.#redis.client, this.#prefix, Object.keys(this.laneSnapshot()) as LaneName[]);
  }

  async renew(stored: LaneSnapshot): Promise<void> {
    for (const source of this.#sources.values()) {
      const known = (lane: LaneProducer): number => stored[laneName(source.name, lane.lane)]?.epoch ?? 0;
      // The same for every lane, and never given twice, also when a healing is begun again.
      const run = Math.floor(this.#clock.now() / 1_000) - RUN_ZERO_SECONDS;
      for (const lane of source.lanes) await this.#redis.run(async () => lane.renew(known(lane), run));
    }
  }

  async suppressedCount(): Promise<number> {
    return this.#redis.run(async (client) => countSuppressed(client, this.#prefix));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #start(trustMarksUpTo: Lsn | null): Promise<void> {
    const signal = this.#ending.signal;
    const client = await this.#redis.open();
    for (const { name, lanes } of this.#options.sources) {
      const { sideLane } = this.#options;
      if (sideLane === undefined) {
        await this.#redis.run(async () => claimLanes(client, this.#prefix, name, lanes));
      }
      const numbers = sideLane === undefined ? [...Array(lanes).keys()] : [sideLane];
      await this.#openSource(client, name, numbers, trustMarksUpTo);
    }
    this.#guard = new MemoryGuard({
      client,
      clock: this.#clock,
      intervalMs: this.#options.pollMs ?? DEFAULT_POLL_MS,
      onChange: (full, use) => this.#observer.memory?.(use, full),
    });
    await this.#guard.look();
    this.#guarding = this.#guard.run(signal);
    // Back after a loss: what Redis holds now may be older than what it had confirmed.
    const watch: LaneWatchOptions = {
      lanes: () => [...this.#sources.values()].flatMap(({ lanes }) => lanes),
      intervalMs: this.#options.laneCheckMs ?? DEFAULT_LANE_CHECK_MS,
      clock: this.#clock,
      signal,
      onLost: (error) => this.#fail(error),
    };
    client.on('ready', () => void checkLanes(watch));
    this.#watching = watchLanes(watch);
  }

  async #openSource(
    client: RedisClient,
    name: string,
    lanes: readonly number[],
    trustUpTo: Lsn | null,
  ): Promise<void> {
    const source = openSource({
      name,
      lanes,
      client,
      prefix: this.#prefix,
      clock: this.#clock,
      observer: this.#observer,
      signal: this.#ending.signal,
      linger: this.#options.linger ?? DEFAULT_LINGER,
      pollMs: this.#options.pollMs ?? DEFAULT_POLL_MS,
      queueBudgetBytes: this.#options.queueBudgetBytes ?? DEFAULT_BUDGET_BYTES,
      guard: () => this.#guard,
      onQueued: (jsonBytes) => this.#account.released(jsonBytes),
      onFatal: (error) => this.#fail(error),
    });
    const marksSkip = this.#options.sideLane === undefined;
    for (const lane of source.lanes) await this.#redis.run(async () => lane.take({ trustUpTo, marksSkip }));
    this.#sources.set(name, source);
  }

  #kick(source: SourceLanes, urgent: boolean): void {
    for (const lane of source.lanes) lane.kick(urgent);
    this.#writer.kick();
  }

  async #room(source: SourceLanes): Promise<void> {
    this.#kick(source, false);
    await this.#account.room();
  }

  #fail(error: Error): void {
    if (this.failure !== null || this.#ending.signal.aborted) return;
    this.failure = error;
    this.#ending.abort(error);
    this.#observer.failed?.(error);
    this.#account.wake();
  }

  #throwIfOver(): void {
    if (this.failure !== null) throw this.failure;
    if (this.#ending.signal.aborted) throw this.#redis.closedError();
  }

  async #close(): Promise<void> {
    this.#ending.abort(this.#redis.closedError());
    this.#account.wake();
    const cut = setTimeout(() => this.#redis.cut(), CLOSE_GRACE_MS);
    await this.#starting?.catch(() => undefined);
    await this.#guarding;
    await this.#watching;
    await this.#writer.idle();
    for (const source of this.#sources.values()) {
      for (const lane of source.lanes) await lane.idle();
      for (const queue of source.queues) await queue.close();
      await source.letters.close();
    }
    clearTimeout(cut);
    await this.#redis.close();
  }
}
