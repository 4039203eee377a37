import { systemClock, type Clock } from '../lifecycle/clock.js';
import type { Lsn } from '../postgres/lsn.js';
import type { GuestSet } from '../suppression/guest-set.js';
import { DEFAULT_PREFIX, laneName, type LaneName } from './keys.js';
import type { LaneProducer } from './lane-producer.js';
import { compareLanes, deliveredIn } from './lane-comparison.js';
import { checkLanes, watchLanes, type LaneWatchOptions } from './lane-watch.js';
import { LetterWriter } from './letter-writer.js';
import { publishListed } from './listed-guests.js';
import { formatMark } from './mark.js';
import { MemoryGuard } from './memory-guard.js';
import type { QueueObserver } from './observer.js';
import { OfferAccount } from './offer-account.js';
import { offerCalls } from './offering.js';
import { DEFAULT_POLL_MS, OpenSources } from './open-sources.js';
import { PatientRedis } from './patient-redis.js';
import { readPaused, writePaused } from './paused.js';
import type {
  CatchUpSink,
  DeliveredLanes,
  EventSinkOptions,
  LaneMark,
  LaneSnapshot,
  QueueSink,
  SinkSource,
  SourceLoad,
} from './queue-sink.js';
import type { RedisClient } from './redis.js';
import type { OfferedTransaction } from './sink.js';
import type { SourceBeginning } from './source-lanes.js';
import { countSuppressed, suppressGuests } from './suppressions.js';

export type { EventSinkOptions, LaneSnapshot, QueueSink } from './queue-sink.js';

export function createEventSink(options: EventSinkOptions): QueueSink {
  return new RedisEventSink(options);
}

const DEFAULT_BUFFER_BYTES = 16 * 1024 * 1024;
/** Of what one parked source misses: the WAL holds the rest. */
const CATCH_UP_BUFFER_BYTES = 4 * 1024 * 1024;
const RELEASE_WITHIN_MS = 1_000;
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
  /** Of sources that catch up, or did. */
  readonly #catchUps = new Map<string, OfferAccount>();
  readonly #sources: OpenSources;
  readonly #ending = new AbortController();
  readonly #writer: LetterWriter;
  readonly #redis: PatientRedis;
  #guard: MemoryGuard | null = null;
  #guarding: Promise<void> | null = null;
  #watching: Promise<void> | null = null;
  #trustMarksUpTo: Lsn | null = null;
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
    const common = { clock: this.#clock, observer: this.#observer, signal: this.#ending.signal };
    this.#redis = new PatientRedis({
      ...common,
      redis: options.redis,
      commandTimeoutMs: options.commandTimeoutMs ?? 5_000,
    });
    const onFatal = (error: Error): void => this.#fail(error);
    this.#writer = new LetterWriter({
      ...common,
      patiently: async (act) => this.#redis.run(act),
      onWritten: (jsonBytes) => this.#account.released(jsonBytes),
      onFatal,
    });
    this.#sources = new OpenSources({
      ...options,
      ...common,
      redis: this.#redis,
      prefix: this.#prefix,
      account: this.#account,
      writer: this.#writer,
      guard: () => this.#guard,
      onFatal,
    });
  }

  start(options: { readonly trustMarksUpTo?: Lsn | null } = {}): Promise<void> {
    this.#starting ??= this.#start(options.trustMarksUpTo ?? null);
    return this.#starting;
  }

  async offer(offered: OfferedTransaction): Promise<void> {
    this.#throwIfOver();
    const source = this.#sources.named(offered.source);
    await offerCalls({ source, offered, account: this.#account, as: 'live' });
  }

  async flush(): Promise<void> {
    for (const source of this.#sources.all) source.kick(true);
    await this.#account.empty();
  }

  beginAt(source: string, at: SourceBeginning): void {
    this.#sources.named(source).beginAt(at);
  }

  async open(source: SinkSource): Promise<void> {
    await this.#sources.open(source, this.#trustMarksUpTo);
  }

  setBudget(source: string, budgetBytes: number): void {
    this.#sources.named(source).budgetBytes = budgetBytes;
  }

  async release(source: string): Promise<number> {
    return this.#sources.named(source).release(RELEASE_WITHIN_MS);
  }

  async forget(source: string): Promise<void> {
    await this.#sources.forget(source);
  }

  loads(): ReadonlyMap<string, SourceLoad> {
    return new Map(
      this.#sources.all.map(({ name, standing, waitingBytes, budgetBytes }) => [
        name,
        { standing, waitingBytes, budgetBytes },
      ]),
    );
  }

  async catchUp(name: string): Promise<CatchUpSink> {
    const source = this.#sources.named(name);
    const account = new OfferAccount(CATCH_UP_BUFFER_BYTES, () => this.#throwIfOver());
    this.#catchUps.set(name, account);
    await source.catchUp(account);
    return {
      offer: async (offered) => {
        this.#throwIfOver();
        await offerCalls({ source, offered, account, as: 'catching-up' });
      },
      flush: async () => {
        source.kick(true);
        await account.empty();
      },
      join: () => source.join(),
      giveUp: () => source.giveUp(),
    };
  }

  async suppress(guestIds: readonly string[]): Promise<void> {
    // First the suppression: a letter set aside later is dropped by whoever sets it aside.
    await this.#redis.run(async (client) => suppressGuests(client, this.#prefix, guestIds));
    for (const { letters } of this.#sources.all) {
      await this.#redis.run(async () => letters.dropOfGuests(guestIds));
    }
  }

  async publishListed(guests: GuestSet): Promise<boolean> {
    const sources = this.#sources.all.map(({ name }) => name);
    const patiently = async <T>(step: (client: RedisClient) => Promise<T>): Promise<T> =>
      this.#redis.run(step);
    return publishListed({ prefix: this.#prefix, sources, patiently }, guests);
  }

  async paused(): Promise<ReadonlyMap<string, number>> {
    return this.#redis.run(async (client) => (await readPaused(client, this.#prefix)) ?? new Map());
  }

  async setPaused(source: string, sinceMs: number | null): Promise<void> {
    await this.#redis.run(async (client) => writePaused(client, this.#prefix, source, sinceMs));
  }

  laneSnapshot(): LaneSnapshot {
    const snapshot: Record<LaneName, LaneMark> = {};
    for (const source of this.#sources.all) {
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
    for (const source of this.#sources.all) {
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
    this.#trustMarksUpTo = trustMarksUpTo;
    const client = await this.#redis.open();
    for (const source of this.#options.sources) await this.#sources.open(source, trustMarksUpTo);
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
      lanes: () => this.#sources.lanes,
      intervalMs: this.#options.laneCheckMs ?? DEFAULT_LANE_CHECK_MS,
      clock: this.#clock,
      signal,
      onLost: (error) => this.#fail(error),
    };
    client.on('ready', () => void checkLanes(watch));
    this.#watching = watchLanes(watch);
  }

  #fail(error: Error): void {
    if (this.failure !== null || this.#ending.signal.aborted) return;
    this.failure = error;
    this.#ending.abort(error);
    this.#observer.failed?.(error);
    this.#wake();
  }

  #wake(): void {
    for (const account of [this.#account, ...this.#catchUps.values()]) account.wake();
  }

  #throwIfOver(): void {
    if (this.failure !== null) throw this.failure;
    if (this.#ending.signal.aborted) throw this.#redis.closedError();
  }

  async #close(): Promise<void> {
    this.#ending.abort(this.#redis.closedError());
    this.#wake();
    const cut = setTimeout(() => this.#redis.cut(), CLOSE_GRACE_MS);
    await this.#starting?.catch(() => undefined);
    await this.#guarding;
    await this.#watching;
    await this.#writer.idle();
    await this.#sources.close();
    clearTimeout(cut);
    await this.#redis.close();
  }
}
