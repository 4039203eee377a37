import type { ExpectedCall } from '../../src/demo/oracle.js';
import { DeadLetters, type DeadLetter } from '../../src/queue/dead-letters.js';
import { DEFAULT_PREFIX } from '../../src/queue/keys.js';
import type { RedisClient } from '../../src/queue/redis.js';
import { onRedis } from './on-redis.js';
import type { Site } from './site.js';

const SOURCE = 'default';
const PAGE = 200;
const REFUSED_STATUS = 400;
/** A write that waits for an fsync waits two seconds at most, and a letter is written within a second of its refusal. */
const LOST_WITH_REDIS_MS = 3_000;

/** What the judge needs of a letter. */
export type Letter = Pick<DeadLetter, 'messageId' | 'reason'> & { readonly status: number | null };

/** The dead letters as Redis held them: before each time it was emptied, and at the end. */
export class Letters {
  readonly #site: Pick<Site, 'redis'>;
  readonly held = new Map<string, Letter>();
  readonly #lostAtMs: number[] = [];

  constructor(site: Pick<Site, 'redis'>) {
    this.#site = site;
  }

  /** Redis was killed at `atMs` and came back without its last writes. */
  lostAround(atMs: number): void {
    this.#lostAtMs.push(atMs);
  }

  /** Whether a letter about a refusal at `atMs` may have gone with Redis. */
  mayBeLost(atMs: number): boolean {
    return this.#lostAtMs.some((lostAtMs) => atMs > lostAtMs - LOST_WITH_REDIS_MS && atMs <= lostAtMs);
  }

  /** Resolves with how many there are. */
  async read(): Promise<number> {
    return onRedis(this.#site, async (client) => this.#read(client));
  }

  /** Empties Redis at a moment at which every letter in it has been read. */
  async readAndEmpty(): Promise<number> {
    return onRedis(this.#site, async (client) => {
      for (;;) {
        await client.watch(`${DEFAULT_PREFIX}:segment/${SOURCE}/dead-letters:wait`);
        const count = await this.#read(client);
        // Null: a letter came since.
        if ((await client.multi().flushall().exec()) !== null) return count;
      }
    });
  }

  async #read(client: RedisClient): Promise<number> {
    const letters = new DeadLetters(SOURCE, { client, prefix: DEFAULT_PREFIX, onError: () => undefined });
    try {
      for (let offset = 0; ; offset += PAGE) {
        const page = await letters.list({ offset, limit: PAGE });
        for (const { messageId, reason, response } of page) {
          this.held.set(messageId, { messageId, reason, status: response?.status ?? null });
        }
        if (page.length < PAGE) return offset + page.length;
      }
    } finally {
      await letters.close();
    }
  }
}

/** A call that was refused while it stood alone, and when it was last. */
export type Refusals = ReadonlyMap<string, number>;

export interface LettersJudged {
  /** Calls that rightly never arrive: each has its letter, or lost it together with Redis. */
  readonly excused: ReadonlySet<string>;
  readonly findings: readonly string[];
}

/**
 * Every call that was refused and never arrived must have a letter with the reason, and nothing else may have one. The letters
 * of a guest who was forgotten since are gone with the guest.
 */
export function judgeLetters(options: {
  readonly refusals: Refusals;
  readonly arrived: ReadonlySet<string>;
  readonly letters: readonly Letter[];
  readonly expected: readonly Pick<ExpectedCall, 'messageId' | 'certain'>[];
  readonly mayBeLost: (refusedAtMs: number) => boolean;
}): LettersJudged {
  const { refusals, arrived, letters, expected, mayBeLost } = options;
  const findings: string[] = [];
  const excused = new Set<string>();
  for (const { messageId, reason, status } of letters) {
    if (!refusals.has(messageId)) findings.push(`a dead letter for what was not refused: ${messageId}`);
    else if (reason !== 'refused' || status !== REFUSED_STATUS)
      findings.push(`the dead letter of ${messageId} gives ${reason} ${status ?? 'without a status'}`);
    else excused.add(messageId);
  }
  const certain = new Map(expected.map((call) => [call.messageId, call.certain]));
  for (const [messageId, refusedAtMs] of refusals) {
    if (arrived.has(messageId) || excused.has(messageId)) continue;
    if (certain.get(messageId) === false || mayBeLost(refusedAtMs)) excused.add(messageId);
    else findings.push(`${messageId} was refused, and has neither arrived nor a dead letter`);
  }
  return { excused, findings };
}
