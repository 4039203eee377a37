import type { Redis } from 'ioredis';
import { readLaneJob } from '../../src/queue/lane-job.js';
import type { QueuedCall } from '../../src/queue/job.js';
import { DEFAULT_PREFIX, jobKeyPrefix, laneQueueName, laneStateKey } from '../../src/queue/keys.js';
import { tryParseMark } from '../../src/queue/mark.js';

/** Jobs read with one round trip. */
const JOBS_AT_A_TIME = 50;

/** The jobs that wait in a lane, in their order, each with its calls. @throws Error for a job that is none */
export async function* queuedJobs(
  redis: Redis,
  source: string,
  lane: number,
): AsyncGenerator<readonly QueuedCall[]> {
  const prefix = jobKeyPrefix(DEFAULT_PREFIX, laneQueueName(source, lane));
  // BullMQ puts new jobs at the left.
  const ids = (await redis.lrange(`${prefix}wait`, 0, -1)).toReversed();
  for (let at = 0; at < ids.length; at += JOBS_AT_A_TIME) {
    const some = ids.slice(at, at + JOBS_AT_A_TIME);
    const datas = await Promise.all(some.map(async (id) => redis.hget(prefix + id, 'data')));
    for (const [index, data] of datas.entries()) {
      const job = readLaneJob(some[index] ?? '', JSON.parse(data ?? 'null'));
      if (job.tag !== 'job') throw new Error(`job ${some[index] ?? ''} is none: ${job.tag}`);
      yield job.calls;
    }
  }
}

/** Message ids of all that waits in the lanes of a source, lane by lane, each in its order. */
export async function queuedIds(redis: Redis, source: string, lanes: number): Promise<string[]> {
  const ids: string[] = [];
  for (let lane = 0; lane < lanes; lane += 1) {
    for await (const calls of queuedJobs(redis, source, lane)) {
      for (const { messageId } of calls) ids.push(messageId);
    }
  }
  return ids;
}

/**
 * Whether a lane holds the last call of this transaction: the mark of its last job is that call. The lane counts a job as queued
 * when it announces the next one; until then the announced job must be there.
 */
export async function holdsTransaction(
  redis: Redis,
  source: string,
  lane: number,
  transactionId: string,
): Promise<boolean> {
  const [queued, announced, jobId] = await redis.hmget(
    laneStateKey(DEFAULT_PREFIX, source, lane),
    'mark',
    'pendingMark',
    'pendingId',
  );
  if (isLastCall(queued, transactionId)) return true;
  if (!isLastCall(announced, transactionId)) return false;
  const prefix = jobKeyPrefix(DEFAULT_PREFIX, laneQueueName(source, lane));
  return (await redis.exists(prefix + (jobId ?? ''))) === 1;
}

/** Of Add/Redeem, the second call of a purchase: its index among the event names. */
const LAST_KIND = 5;

function isLastCall(markText: string | null | undefined, transactionId: string): boolean {
  const mark = tryParseMark(markText ?? '');
  return mark?.rank.key === transactionId && mark.rank.kind === LAST_KIND;
}
