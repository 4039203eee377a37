import { randomBytes, randomInt } from 'node:crypto';
import { defineScript, type RedisClient } from './redis.js';
import { tryParseMark, type Mark } from './mark.js';

/**
 * The hash beside a lane's queue: what was queued and what was delivered.
 *
 * Queueing a job takes two steps that Redis cannot do as one (the job itself is added by BullMQ): first the *intent* (seq, job
 * id and mark of the job to come) is written, then the job is added under that id. A capture process that starts *takes*
 * the lane: a pending intent counts as queued exactly if its job exists or has been delivered; else its seq is used again.
 *
 * A process that was replaced may still have an `add` on the wire. So each taking raises the lane's *epoch*, an intent of
 * an older epoch is refused, and the lane remembers from which seq on each epoch is the one that counts: a worker
 * discards a job that arrived late from an epoch whose seq was used again (its calls are in the newer epoch's jobs).
 *
 * Redis may lose all this and come back empty or older. So the hash carries its *history*, a random name given when the lane
 * began: a checkpoint that knows another name, or more jobs, tells that jobs are gone. Healing begins the lane anew under a
 * new name: what was not delivered is queued again from the last seq delivered, and jobs left over from before are of an
 * epoch that no longer counts. Such a Redis has forgotten which epochs it gave, too, and an add may still be on its way from
 * one of them: so epochs rise by random steps, and none is given twice.
 *
 * Fields: history, run (the number of that history in tallies, 0 for the first), hole (a worker found a job missing), epoch, epochs (`<epoch>@<first seq> …`), queuedSeq, mark, queuedBytes of the last job known to be there;
 * pendingSeq, pendingId, pendingMark, pendingBytes of the intent; deliveredSeq, deliveredPosition, deliveredAtMs,
 * deliveredBytes; doneSeq, doneCalls: calls of the job in hand that are delivered. Bytes are of compressed bodies, in all.
 */
export interface TakenLane {
  /** Name of this lane's history: another one after Redis lost it. */
  readonly history: string;
  readonly epoch: number;
  /** The number of that history in tallies, 0 for the first. */
  readonly run: number;
  readonly queuedSeq: number;
  /** Null: nothing was ever queued, or the number of lanes was changed since. */
  readonly mark: Mark | null;
  readonly queuedBytes: number;
  readonly deliveredSeq: number;
  readonly deliveredBytes: number;
}

/** One job in terms of the lane: `seq` 0 and `id` empty stand for "none of this process yet". */
export interface LaneStep {
  readonly seq: number;
  readonly id: string;
  readonly mark: string;
  /** Compressed bytes queued in this lane so far, this job included. */
  readonly queuedBytes: number;
}

export type LaneAnswer =
  | { readonly tag: 'ok'; readonly deliveredSeq: number; readonly deliveredBytes: number }
  /** Another capture process took the lane. */
  | { readonly tag: 'taken' }
  /** Redis no longer holds what it confirmed: it holds up to this. */
  | { readonly tag: 'lost'; readonly seq: number; readonly mark: string | null };

export interface LaneView {
  /** Null: the lane was never taken, or Redis lost it. */
  readonly history: string | null;
  /** A worker found a job missing. */
  readonly hole: boolean;
  readonly queuedSeq: number;
  readonly mark: Mark | null;
  readonly deliveredSeq: number;
  /** Position text of the last transaction of the last delivered job. */
  readonly deliveredPosition: string | null;
  readonly deliveredAtMs: number | null;
}

const takeScript = defineScript(
  'segmentTakeLane',
  1,
  `
local h = KEYS[1]
local s = redis.call('HMGET', h, 'pendingSeq', 'pendingId', 'pendingMark', 'pendingBytes', 'queuedSeq', 'deliveredSeq', 'epochs')
local epoch = redis.call('HINCRBY', h, 'epoch', ARGV[3])
local pending, queued, delivered = tonumber(s[1] or '0'), tonumber(s[5] or '0'), tonumber(s[6] or '0')
if pending > queued and (delivered >= pending or redis.call('EXISTS', ARGV[1] .. s[2]) == 1) then
  redis.call('HSET', h, 'queuedSeq', s[1], 'mark', s[3] or '', 'queuedBytes', s[4] or '0')
  queued = pending
end
redis.call('HDEL', h, 'pendingSeq', 'pendingId', 'pendingMark', 'pendingBytes')
local kept, floor = {}, nil
for e, from in string.gmatch(s[7] or '', '(%d+)@(%d+)') do
  from = tonumber(from)
  if from <= queued then
    if from <= delivered + 1 then floor = e .. '@' .. from else table.insert(kept, e .. '@' .. from) end
  end
end
if floor then table.insert(kept, 1, floor) end
table.insert(kept, epoch .. '@' .. (queued + 1))
redis.call('HSET', h, 'epochs', table.concat(kept, ' '))
redis.call('HSETNX', h, 'history', ARGV[2])
local now = redis.call('HMGET', h, 'mark', 'queuedBytes', 'deliveredBytes', 'history', 'run')
return {epoch, queued, now[1] or '', tonumber(now[2] or '0'), delivered, tonumber(now[3] or '0'), now[4], tonumber(now[5] or '0')}
`,
);

/** A lane taken already begins again behind what it has delivered: everything else is queued anew. */
const renewScript = defineScript(
  'segmentRenewLane',
  1,
  `
local h = KEYS[1]
local s = redis.call('HMGET', h, 'epoch', 'deliveredSeq', 'deliveredBytes')
if tonumber(s[1] or '0') > tonumber(ARGV[1]) then return false end
local delivered = tonumber(s[2] or '0')
local epoch = math.max(tonumber(ARGV[1]), tonumber(ARGV[2])) + tonumber(ARGV[4])
redis.call('HDEL', h, 'pendingSeq', 'pendingId', 'pendingMark', 'pendingBytes', 'mark', 'hole', 'doneSeq', 'doneCalls')
redis.call('HSET', h, 'history', ARGV[3], 'run', ARGV[5], 'epoch', epoch, 'epochs', epoch .. '@' .. (delivered + 1),
  'queuedSeq', delivered, 'queuedBytes', s[3] or '0')
return {epoch, delivered, '', tonumber(s[3] or '0'), delivered, tonumber(s[3] or '0'), ARGV[3], tonumber(ARGV[5])}
`,
);

/** Checks that the lane still is as this process left it and, given a next step, writes its intent. */
const stepScript = defineScript(
  'segmentLaneStep',
  1,
  `
local h, prefix = KEYS[1], ARGV[1]
local s = redis.call('HMGET', h, 'epoch', 'pendingSeq', 'pendingId', 'queuedSeq', 'deliveredSeq', 'deliveredBytes', 'mark', 'hole')
local epoch, mine = tonumber(s[1] or '0'), tonumber(ARGV[2])
if epoch > mine then return {'taken'} end
local delivered = tonumber(s[5] or '0')
local lost = {'lost', tonumber(s[4] or '0'), s[7] or ''}
if epoch < mine or s[8] then return lost end
local ok = {'ok', delivered, tonumber(s[6] or '0')}
local prevSeq, prevId, seq, id = tonumber(ARGV[3]), ARGV[4], ARGV[7], ARGV[8]
if id ~= '' and s[3] == id then return ok end
if prevId == '' then
  if tonumber(s[4] or '0') ~= prevSeq then return lost end
else
  if s[3] ~= prevId and id == '' and tonumber(s[2] or '0') == prevSeq + 1 then return ok end
  if s[3] ~= prevId then return lost end
  if delivered < prevSeq and redis.call('EXISTS', prefix .. prevId) == 0 then return lost end
end
if id ~= '' then
  if prevId ~= '' then redis.call('HSET', h, 'queuedSeq', prevSeq, 'mark', ARGV[5], 'queuedBytes', ARGV[6]) end
  redis.call('HSET', h, 'pendingSeq', seq, 'pendingId', id, 'pendingMark', ARGV[9], 'pendingBytes', ARGV[10])
end
return ok
`,
);

export interface LaneKeys {
  /** The hash. */
  readonly state: string;
  /** What stands before a job's id in Redis. */
  readonly jobPrefix: string;
}

type TakenAnswer = [number, number, string, number, number, number, string, number];

/** Makes this process the lane's only producer and resolves a pending intent. */
export async function takeLane(client: RedisClient, keys: LaneKeys): Promise<TakenLane> {
  const args = [keys.jobPrefix, newHistory(), epochStep()];
  return takenLane((await takeScript(client, [keys.state], args)) as TakenAnswer);
}

/**
 * Begins the lane anew for healing, under a new history: until a checkpoint knows that name, every start heals again.
 * @param held.epoch this process' epoch, from taking the lane.
 * @param held.knownEpoch the last epoch the checkpoint knows: a job of it may still be on its way into a Redis that has
 *   forgotten it.
 * @param held.run the new history's number, higher than any before and the same for every lane of the source.
 * @returns null when another capture process has taken the lane.
 */
export async function renewLane(
  client: RedisClient,
  keys: LaneKeys,
  held: { readonly epoch: number; readonly knownEpoch: number; readonly run: number },
): Promise<TakenLane | null> {
  const args = [held.epoch, held.knownEpoch, newHistory(), epochStep(), held.run];
  const answer = (await renewScript(client, [keys.state], args)) as TakenAnswer | null;
  return answer === null ? null : takenLane(answer);
}

function newHistory(): string {
  return randomBytes(9).toString('base64url');
}

/** Small enough that tallies can keep a side lane's epoch in four bytes for tens of thousands of runs. */
const MAX_EPOCH_STEP = 65_536;

function epochStep(): number {
  return randomInt(1, MAX_EPOCH_STEP);
}

function takenLane(answer: TakenAnswer): TakenLane {
  const [epoch, queuedSeq, mark, queuedBytes, deliveredSeq, deliveredBytes, history, run] = answer;
  return {
    history,
    epoch,
    run,
    queuedSeq,
    mark: tryParseMark(mark),
    queuedBytes,
    deliveredSeq,
    deliveredBytes,
  };
}

/** Step one of queueing `next`; repeating it with the same job id changes nothing. */
export async function writeIntent(
  client: RedisClient,
  keys: LaneKeys,
  step: { readonly epoch: number; readonly previous: LaneStep; readonly next: LaneStep },
): Promise<LaneAnswer> {
  return runStep(client, keys, step.epoch, step.previous, step.next);
}

/** Does Redis still hold what this process knows to be queued? Also the cheap way to learn what was delivered. */
export async function checkLane(
  client: RedisClient,
  keys: LaneKeys,
  state: { readonly epoch: number; readonly previous: LaneStep },
): Promise<LaneAnswer> {
  return runStep(client, keys, state.epoch, state.previous, { seq: 0, id: '', mark: '', queuedBytes: 0 });
}

async function runStep(
  client: RedisClient,
  keys: LaneKeys,
  epoch: number,
  previous: LaneStep,
  next: LaneStep,
): Promise<LaneAnswer> {
  const answer = (await stepScript(
    client,
    [keys.state],
    [
      keys.jobPrefix,
      epoch,
      previous.seq,
      previous.id,
      previous.mark,
      previous.queuedBytes,
      next.seq,
      next.id,
      next.mark,
      next.queuedBytes,
    ],
  )) as ['ok', number, number] | ['taken'] | ['lost', number, string];
  switch (answer[0]) {
    case 'ok':
      return { tag: 'ok', deliveredSeq: answer[1], deliveredBytes: answer[2] };
    case 'taken':
      return { tag: 'taken' };
    case 'lost':
      return { tag: 'lost', seq: answer[1], mark: answer[2] === '' ? null : answer[2] };
    default: {
      const never: never = answer;
      throw new RangeError(`unknown answer of the lane script: ${String(never)}`);
    }
  }
}

/** What the hash says, for checkpoints and status. */
export async function viewLane(client: RedisClient, stateKey: string): Promise<LaneView> {
  const fields = [
    'queuedSeq',
    'mark',
    'deliveredSeq',
    'deliveredPosition',
    'deliveredAtMs',
    'history',
    'hole',
  ] as const;
  const [queuedSeq, mark, deliveredSeq, deliveredPosition, deliveredAtMs, history, hole] = await client.hmget(
    stateKey,
    ...fields,
  );
  return {
    history: history ?? null,
    hole: hole != null,
    queuedSeq: Number(queuedSeq ?? 0),
    mark: tryParseMark(mark ?? ''),
    deliveredSeq: Number(deliveredSeq ?? 0),
    deliveredPosition: deliveredPosition ?? null,
    deliveredAtMs: deliveredAtMs === null || deliveredAtMs === undefined ? null : Number(deliveredAtMs),
  };
}
