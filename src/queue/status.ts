import type { RedisSettings } from '../config/config.js';
import { toError } from '../errors/connector-error.js';
import { DeadLetters } from './dead-letters.js';
import { readNotes, type DeliveryNote } from './delivery-notes.js';
import { DEFAULT_PREFIX, laneStateKey } from './keys.js';
import { laneDepth, type LaneDepth } from './lane-queue.js';
import { viewLane, type LaneView } from './lane-state.js';
import { SIDE_LANES } from './side-lanes.js';
import { parseMemoryInfo, type MemoryUse } from './memory-guard.js';
import { closeRedis, connectRedis, untilReady, type RedisClient } from './redis.js';
import { countListed } from './listed-guests.js';
import { countSuppressed } from './suppressions.js';

export interface LaneStatus extends LaneDepth, LaneView {
  readonly source: string;
  readonly lane: number;
  /** Compressed bytes queued and not delivered. */
  readonly waitingBytes: number;
}

export interface QueueStatus {
  readonly memory: MemoryUse;
  readonly lanes: readonly LaneStatus[];
  /** What deliver processes say of lanes that are not being delivered. */
  readonly notes: readonly (DeliveryNote & { readonly source: string })[];
  readonly deadLetters: Readonly<Record<string, number>>;
  /** Deleted or anonymised. */
  readonly suppressedGuests: number;
  /** On the suppression list that capture published; null: it published none. */
  readonly listedGuests: number | null;
}

export interface QueueStatusOptions {
  readonly redis: RedisSettings;
  readonly sources: readonly { readonly name: string; readonly lanes: number }[];
  /** Default `paytronix`. */
  readonly prefix?: string;
  readonly onError?: (error: Error) => void;
}

/** Of the last job whose intent is written: it is there, or about to be. */
async function tailOf(
  client: RedisClient,
  stateKey: string,
): Promise<Pick<LaneStatus, 'queuedSeq' | 'waitingBytes'>> {
  const fields = ['queuedSeq', 'pendingSeq', 'queuedBytes', 'pendingBytes', 'deliveredBytes'];
  const texts = await client.hmget(stateKey, ...fields);
  const [queued = 0, pending = 0, bytes = 0, pendingBytes = 0, delivered = 0] = texts.map((text) =>
    Number(text ?? 0),
  );
  return {
    queuedSeq: Math.max(queued, pending),
    waitingBytes: Math.max(0, Math.max(bytes, pendingBytes) - delivered),
  };
}

/** Reads how the queue stands, for metrics and commands: depth and age by lane, delivered positions, dead letters. */
export class QueueStatusReader {
  readonly #options: QueueStatusOptions;
  readonly #prefix: string;
  readonly #client: RedisClient;
  #sources: QueueStatusOptions['sources'];
  #letters: ReadonlyMap<string, DeadLetters>;
  #lastError: Error | null = null;

  constructor(options: QueueStatusOptions) {
    this.#options = options;
    this.#prefix = options.prefix ?? DEFAULT_PREFIX;
    this.#client = connectRedis({
      settings: options.redis,
      use: 'producer',
      onError: (error) => this.#failed(error),
    });
    this.#sources = options.sources;
    this.#letters = this.#openLetters(new Map());
  }

  /** Other sources are read from now on. */
  async reconfigure(sources: QueueStatusOptions['sources']): Promise<void> {
    const before = this.#letters;
    this.#sources = sources;
    this.#letters = this.#openLetters(before);
    for (const [name, letters] of before) if (!this.#letters.has(name)) await letters.close();
  }

  #openLetters(held: ReadonlyMap<string, DeadLetters>): ReadonlyMap<string, DeadLetters> {
    const onError = (error: Error): void => this.#failed(error);
    const options = { client: this.#client, prefix: this.#prefix, onError };
    return new Map(this.#sources.map(({ name }) => [name, held.get(name) ?? new DeadLetters(name, options)]));
  }

  #failed(error: Error): void {
    this.#lastError = error;
    this.#options.onError?.(error);
  }

  /** The dead letters of a source; undefined for one that is not configured. */
  deadLetters(source: string): DeadLetters | undefined {
    return this.#letters.get(source);
  }

  /** Waits for the connection first. @throws what keeps Redis from answering */
  async readWithin(timeoutMs: number): Promise<QueueStatus> {
    try {
      await untilReady(this.#client, AbortSignal.timeout(timeoutMs));
    } catch (error) {
      throw this.#lastError ?? toError(error);
    }
    return this.read();
  }

  /** Rejects while Redis does not answer. */
  async read(): Promise<QueueStatus> {
    const client = this.#client;
    const prefix = this.#prefix;
    const lanes: LaneStatus[] = [];
    const notes: (DeliveryNote & { source: string })[] = [];
    const deadLetters: Record<string, number> = {};
    for (const { name: source, lanes: count } of this.#sources) {
      const numbers = [...Array(count).keys(), ...SIDE_LANES];
      for (const lane of numbers) {
        const depth = await laneDepth(client, prefix, source, lane);
        const stateKey = laneStateKey(prefix, source, lane);
        const view = await viewLane(client, stateKey);
        lanes.push({ source, lane, ...depth, ...view, ...(await tailOf(client, stateKey)) });
      }
      notes.push(...(await readNotes(client, prefix, source, numbers)).map((note) => ({ ...note, source })));
      deadLetters[source] = (await this.#letters.get(source)?.count()) ?? 0;
    }
    const memory = parseMemoryInfo(await client.info('memory'));
    const names = this.#options.sources.map(({ name }) => name);
    return {
      memory,
      lanes,
      notes,
      deadLetters,
      suppressedGuests: await countSuppressed(client, prefix),
      listedGuests: await countListed(client, prefix, names),
    };
  }

  async close(): Promise<void> {
    for (const letters of this.#letters.values()) await letters.close();
    await closeRedis(this.#client);
  }
}
