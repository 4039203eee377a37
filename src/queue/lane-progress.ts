import { defineScript, type RedisClient } from './redis.js';
import { tallyArguments, type TallyTarget } from './tally-box.js';
import { TALLY_LUA, type PendingTally } from './tally.js';

/** What a lane worker must know before it sends a job. */
export interface LaneProgress {
  readonly deliveredSeq: number;
  /** The number of the lane's history, for tallies; see lane-state.ts. */
  readonly run: number;
  /** Which epoch counts from which seq on, ascending; see lane-state.ts. */
  readonly epochs: readonly { readonly epoch: number; readonly fromSeq: number }[];
  /** Calls of the job `doneSeq` that are delivered or set aside. */
  readonly doneSeq: number;
  readonly doneCalls: number;
}

/** What to do with a job, by its place in the lane. */
export type JobPlace =
  | { readonly tag: 'next'; readonly doneCalls: number }
  | { readonly tag: 'outside_sequence' }
  /** Sent before: a repeated add, or a worker that ended between the last request and the job's completion. */
  | { readonly tag: 'delivered' }
  /** Queued by a capture process that had been replaced; its calls are in a later job. */
  | { readonly tag: 'superseded' }
  | { readonly tag: 'hole'; readonly expectedSeq: number };

export function placeOf(job: { readonly seq: number; readonly epoch: number }, lane: LaneProgress): JobPlace {
  if (job.seq === 0) return { tag: 'outside_sequence' };
  if (job.seq <= lane.deliveredSeq) return { tag: 'delivered' };
  const counts = lane.epochs.findLast((entry) => entry.fromSeq <= job.seq);
  if (counts !== undefined && counts.epoch !== job.epoch) return { tag: 'superseded' };
  if (job.seq !== lane.deliveredSeq + 1) return { tag: 'hole', expectedSeq: lane.deliveredSeq + 1 };
  return { tag: 'next', doneCalls: lane.doneSeq === job.seq ? lane.doneCalls : 0 };
}

/** The lock of the job in hand: nothing is written by a worker whose lock has passed to another. */
export interface JobLock {
  readonly key: string;
  readonly token: string;
}

/**
 * Whether the epoch of the job in hand is still the one that counts at its seq: a lane begun anew while the job was being
 * sent uses the seq again, and must not find it marked as delivered.
 */
const COUNTS = `
local function counts(h, seq, epoch)
  local counting = epoch
  for e, from in string.gmatch(redis.call('HGET', h, 'epochs') or '', '(%d+)@(%d+)') do
    if tonumber(from) <= tonumber(seq) then counting = e end
  end
  return tonumber(counting) == tonumber(epoch)
end
`;

const progressScript = defineScript(
  'segmentLaneProgress',
  4,
  `${COUNTS}${TALLY_LUA}
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if not counts(KEYS[1], ARGV[2], ARGV[4]) then return 0 end
redis.call('HSET', KEYS[1], 'doneSeq', ARGV[2], 'doneCalls', ARGV[3])
tally(KEYS[3], KEYS[4], 5)
return 1
`,
);

const finishScript = defineScript(
  'segmentLaneFinish',
  4,
  `${COUNTS}${TALLY_LUA}
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if not counts(KEYS[1], ARGV[2], ARGV[6]) then return 0 end
local seq = tonumber(ARGV[2])
if tonumber(redis.call('HGET', KEYS[1], 'deliveredSeq') or '0') < seq then
  redis.call('HSET', KEYS[1], 'deliveredSeq', ARGV[2], 'deliveredPosition', ARGV[3], 'deliveredAtMs', ARGV[4])
  redis.call('HINCRBY', KEYS[1], 'deliveredBytes', ARGV[5])
  tally(KEYS[3], KEYS[4], 7)
end
redis.call('HDEL', KEYS[1], 'doneSeq', 'doneCalls')
return 1
`,
);

export async function readProgress(client: RedisClient, stateKey: string): Promise<LaneProgress> {
  const fields = ['deliveredSeq', 'epochs', 'doneSeq', 'doneCalls', 'run'] as const;
  const [deliveredSeq, epochs, doneSeq, doneCalls, run] = await client.hmget(stateKey, ...fields);
  return {
    deliveredSeq: Number(deliveredSeq ?? 0),
    run: Number(run ?? 0),
    epochs: [...(epochs ?? '').matchAll(/(\d+)@(\d+)/g)].map((match) => ({
      epoch: Number(match[1]),
      fromSeq: Number(match[2]),
    })),
    doneSeq: Number(doneSeq ?? 0),
    doneCalls: Number(doneCalls ?? 0),
  };
}

/** What the progress to be saved adds to the tallies, in the same script: counted exactly when it is saved. */
export interface Count {
  readonly target: TallyTarget;
  readonly pending: PendingTally;
}

function keysOf({ target }: Count): [string, string] {
  return [target.key, target.counted];
}

/** Remembers how far into a job delivery is. False: the job is no longer this worker's to send. */
export async function saveProgress(
  client: RedisClient,
  stateKey: string,
  lock: JobLock,
  done: { readonly seq: number; readonly epoch: number; readonly calls: number },
  count: Count,
): Promise<boolean> {
  const args = [lock.token, done.seq, done.calls, done.epoch, ...tallyArguments(count.pending)];
  return (await progressScript(client, [stateKey, lock.key, ...keysOf(count)], args)) === 1;
}

/** Remembers that a job is delivered, before BullMQ completes it. False: the lock, or the lane it was of, is lost. */
export async function finishJob(
  client: RedisClient,
  stateKey: string,
  lock: JobLock,
  job: {
    readonly seq: number;
    readonly epoch: number;
    readonly position: string;
    readonly atMs: number;
    readonly bodyBytes: number;
  },
  count: Count,
): Promise<boolean> {
  const { seq, position, atMs, bodyBytes, epoch } = job;
  const args = [lock.token, seq, position, atMs, bodyBytes, epoch, ...tallyArguments(count.pending)];
  return (await finishScript(client, [stateKey, lock.key, ...keysOf(count)], args)) === 1;
}

const holeScript = defineScript(
  'segmentLaneHole',
  1,
  `${COUNTS}
if not counts(KEYS[1], ARGV[1], ARGV[2]) then return 0 end
if tonumber(redis.call('HGET', KEYS[1], 'deliveredSeq') or '0') + 1 ~= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], 'hole', ARGV[3])
return 1
`,
);

/**
 * Says that a job the lane should hold is not there: its producer then begins the lane anew from the delivered position. Says
 * nothing when that has happened since `job` was looked at.
 */
export async function reportHole(
  client: RedisClient,
  stateKey: string,
  job: { readonly seq: number; readonly epoch: number },
  expectedSeq: number,
): Promise<void> {
  await holeScript(client, [stateKey], [job.seq, job.epoch, expectedSeq]);
}
