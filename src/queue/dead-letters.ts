import { createHash } from 'node:crypto';
import type { Job, Queue } from 'bullmq';
import { encodeJob, formatCallLine, type JobData, type QueuedCall } from './job.js';
import { letterJobId } from './job-id.js';
import { deadLetterQueueName, formerGuestLettersKey, guestLettersKey, laneQueueName } from './keys.js';
import { openQueue, type QueueOptions } from './lane-queue.js';
import { laneOf } from './lanes.js';
import { suppressedAmong } from './suppressions.js';

/**
 * Why a call was set aside: refused before queueing (RejectedEvent), by Segment (`refused`), or the job that held it was
 * none of ours (`foreign_job`; `json` is then the job's data).
 */
export type DeadLetterReason =
  'schema' | 'too_large' | 'unparsable_value' | 'message_id' | 'refused' | 'foreign_job';

/** One call that was not sent, with all that is needed to judge it, mend it and send it after all. */
export interface DeadLetter {
  readonly reason: DeadLetterReason;
  readonly detail: string;
  /** Segment's answer, when there was one; the body's first part. */
  readonly response: { readonly status: number; readonly bodyExcerpt: string } | null;
  readonly source: string;
  /** Position text of the transaction it comes from. */
  readonly position: string;
  readonly name: string;
  readonly messageId: string;
  readonly accountKey: string;
  readonly guestId: string | null;
  readonly commitTimeMs: number;
  readonly json: string;
  /** When it was set aside, milliseconds since 1970. */
  readonly atMs: number;
}

function letterId(messageId: string): string {
  // A hash: message ids may hold what BullMQ's ids may not.
  return `d-${createHash('sha256').update(messageId).digest('base64url').slice(0, 27)}`;
}

const GUESTS_PER_ROUND = 500;

/**
 * The dead letters of one source: single calls in a queue nobody works on, oldest first.
 *
 * Guarantee: when `add` resolves, Redis holds the letter; adding a message id again changes nothing.
 */
export class DeadLetters {
  readonly #source: string;
  readonly #options: QueueOptions;
  readonly #queue: Queue<DeadLetter>;

  constructor(source: string, options: QueueOptions) {
    this.#source = source;
    this.#options = options;
    this.#queue = openQueue<DeadLetter>(deadLetterQueueName(source), options);
  }

  async add(letter: DeadLetter): Promise<void> {
    const { guestId, messageId } = letter;
    const { client, prefix } = this.#options;
    // Before the letter: an entry without a letter does no harm, a letter without an entry would outlive its guest.
    if (guestId !== null) await client.sadd(this.#guestKey(guestId), letterId(messageId));
    await this.#queue.add('dead-letter', letter, { jobId: letterId(messageId) });
    if (guestId === null || (await suppressedAmong(client, prefix, [guestId])).size === 0) return;
    await this.dropOfGuests([guestId]);
  }

  /** Forgets for good what was set aside of these guests. */
  async dropOfGuests(guestIds: readonly string[]): Promise<void> {
    if (guestIds.length === 0 || (await this.count()) === 0) return;
    const { client } = this.#options;
    for (let from = 0; from < guestIds.length; from += GUESTS_PER_ROUND) {
      const keys = guestIds
        .slice(from, from + GUESTS_PER_ROUND)
        .flatMap((guestId) => this.#guestKeys(guestId));
      for (const id of await client.sunion(...keys)) await (await this.#queue.getJob(id))?.remove();
      await client.del(...keys);
    }
  }

  async count(): Promise<number> {
    return this.#queue.getWaitingCount();
  }

  /** Oldest first, `limit` from `offset`. */
  async list(options: { readonly offset?: number; readonly limit?: number } = {}): Promise<DeadLetter[]> {
    const offset = options.offset ?? 0;
    const jobs = await this.#queue.getWaiting(offset, offset + (options.limit ?? 50) - 1);
    return jobs.map((job) => job.data);
  }

  async get(messageId: string): Promise<DeadLetter | null> {
    return (await this.#job(messageId))?.data ?? null;
  }

  /**
   * Puts a letter back at the tail of its lane, outside the lane's sequence, then removes it here. A crash between the
   * two sends it twice with the same message id. False: no such letter, or one that was never a call (`foreign_job`).
   */
  async retry(messageId: string, lanes: number, nowMs: number): Promise<boolean> {
    const job = await this.#job(messageId);
    if (job === undefined || job.data.reason === 'foreign_job') return false;
    const letter = job.data;
    const lane = openQueue<JobData>(
      laneQueueName(this.#source, laneOf(letter.accountKey, lanes)),
      this.#options,
    );
    const data = encodeJob(
      {
        seq: 0,
        epoch: 0,
        first: letter.position,
        last: letter.position,
        receivedAtMs: nowMs,
        queuedAtMs: nowMs,
      },
      [formatCallLine(callOf(letter))],
    );
    try {
      await lane.add('batch', data, { jobId: letterJobId(letterId(messageId)), removeOnComplete: true });
    } finally {
      await lane.close();
    }
    await this.#remove(job);
    return true;
  }

  /** Forgets a letter for good. False: there was none. */
  async drop(messageId: string): Promise<boolean> {
    const job = await this.#job(messageId);
    if (job === undefined) return false;
    await this.#remove(job);
    return true;
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  async #remove(job: Job<DeadLetter>): Promise<void> {
    const { guestId, messageId } = job.data;
    await job.remove();
    if (guestId === null) return;
    for (const key of this.#guestKeys(guestId)) await this.#options.client.srem(key, letterId(messageId));
  }

  #guestKeys(guestId: string): string[] {
    const { prefix } = this.#options;
    return [this.#guestKey(guestId), formerGuestLettersKey(prefix, this.#source, guestId)];
  }

  #guestKey(guestId: string): string {
    return guestLettersKey(this.#options.prefix, this.#source, guestId);
  }

  async #job(messageId: string): Promise<Job<DeadLetter> | undefined> {
    return this.#queue.getJob(letterId(messageId));
  }
}

function callOf(letter: DeadLetter): QueuedCall {
  const { accountKey, guestId, commitTimeMs, position, name, messageId, json } = letter;
  return { accountKey, guestId, commitTimeMs, position, name, messageId, json };
}
