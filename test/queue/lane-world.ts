import { DeliveredFloor } from '../../src/replay/delivered-floor.js';
import { ConnectorError } from '../../src/errors/connector-error.js';
import type { Lsn } from '../../src/postgres/lsn.js';
import { laneName, laneStateKey } from '../../src/queue/keys.js';
import { compareLanes, deliveredIn } from '../../src/queue/lane-comparison.js';
import {
  finishJob,
  placeOf,
  readProgress,
  reportHole,
  saveProgress,
  type Count,
} from '../../src/queue/lane-progress.js';
import {
  checkLane,
  renewLane,
  takeLane,
  writeIntent,
  type LaneAnswer,
  type LaneStep,
  type TakenLane,
} from '../../src/queue/lane-state.js';
import { formatMark } from '../../src/queue/mark.js';
import type { LaneSnapshot } from '../../src/queue/queue-sink.js';
import type { RedisClient } from '../../src/queue/redis.js';
import { tallyTarget } from '../../src/queue/tally-box.js';
import { PendingTally, TALLY_CHANNELS } from '../../src/queue/tally.js';

const PREFIX = 'p';
const LANE = laneName('default', 0);
const KEYS = { state: laneStateKey(PREFIX, 'default', 0), jobPrefix: `${PREFIX}:segment/default/0:` };
const WAIT = `${KEYS.jobPrefix}wait`;
const ACTIVE = `${KEYS.jobPrefix}active`;
const HOLE_PROBES = 3;

/** Calls `from` to `to` of the stream. */
interface Job {
  readonly id: string;
  readonly seq: number;
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
}

interface Capture {
  alive: boolean;
  epoch: number;
  history: string;
  previous: LaneStep;
  /** The next call of the stream to queue. */
  cursor: number;
  skipUpTo: number;
  /** While healing: the last call to be queued again. */
  healUpTo: number | null;
  /** The job under way, repeated with the same id until Redis has confirmed it. */
  attempt: Job | null;
  /** Every call up to here is known to be in Redis. */
  settled: number;
  readonly floor: DeliveredFloor;
}

interface InHand {
  readonly job: Job;
  readonly token: string;
  done: number;
}

/** Where an attempt to queue a job ends. */
export const QUEUE_FATES = [
  'done',
  'dies_before_intent',
  'intent_unanswered',
  'dies_before_add',
  'dies_with_add_on_the_wire',
  'add_on_the_wire',
  'add_unanswered',
  'dies_after_add',
] as const;
export type QueueFate = (typeof QUEUE_FATES)[number];

export const SEND_FATES = ['done', 'dies', 'stalls'] as const;
export type SendFate = (typeof SEND_FATES)[number];

/**
 * One lane with everything around it that can go wrong: capture processes that are killed or replaced at any moment,
 * adds that arrive late, workers that die or stall, a Redis that comes back empty or older, jobs moved by hand. The
 * scripts and decisions are the real ones over a real Redis; the processes follow LaneProducer, CaptureSession and
 * LaneWorker step by step. The stream is the numbers 1, 2, 3 …, each its own position.
 *
 * Promise: every call arrives, and none before the one before it has. Checked at each arrival, and at the end by `drain`.
 */
export class LaneWorld {
  readonly #client: RedisClient;
  readonly #captures: Capture[] = [];
  #checkpoint: { floor: number; delivered: number; lanes: LaneSnapshot } = {
    floor: 0,
    delivered: 0,
    lanes: {},
  };
  #onTheWire: Job[] = [];
  #failed: string[] = [];
  #hand: InHand | null = null;
  #stalled: InHand[] = [];
  #holes = 0;
  #snapshot: { key: string; dump: Buffer }[] | null = null;
  #nonce = 0;
  /** Calls up to here have arrived. */
  arrived = 0;
  /** Arrivals of calls that had arrived before. */
  doubled = 0;
  /** Times that something was found missing in Redis, by a worker or by a process. */
  missed = 0;

  constructor(client: RedisClient) {
    this.#client = client;
  }

  /** A new process gets the slot; the one before may go on without it for a while. */
  async start(): Promise<void> {
    const lane = await takeLane(this.#client, KEYS);
    const { floor, delivered, lanes } = this.#checkpoint;
    const capture: Capture = {
      alive: true,
      ...adopted(lane),
      cursor: floor + 1,
      skipUpTo: Number(lane.mark?.endLsn ?? 0n),
      healUpTo: null,
      attempt: null,
      settled: floor,
      floor: new DeliveredFloor(BigInt(delivered) as Lsn, null),
    };
    this.#captures.unshift(capture);
    try {
      await compareLanes(async (act) => act(this.#client), PREFIX, lanes);
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'QUEUE_LOST') throw error;
      this.missed += 1;
      const held = { epoch: capture.epoch, knownEpoch: lanes[LANE]?.epoch ?? 0, run: this.missed };
      const renewed = await renewLane(this.#client, KEYS, held);
      if (renewed === null) capture.alive = false;
      else Object.assign(capture, adopted(renewed), { skipUpTo: 0, cursor: delivered + 1, healUpTo: floor });
    }
    if (capture.alive) this.#healedIfDone(capture);
    if (capture.alive && Object.keys(lanes).length === 0) this.#writeCheckpoint(capture);
  }

  /** The process (0: the one with the slot) tries to queue its next `calls` as a job. */
  async queue(which: number, calls: number, fate: QueueFate): Promise<void> {
    const capture = this.#captures[which];
    if (capture === undefined || !capture.alive) return;
    if (capture.healUpTo === null && capture.cursor <= capture.skipUpTo) {
      capture.settled = capture.skipUpTo;
      capture.cursor = capture.skipUpTo + 1;
    }
    if (fate === 'dies_before_intent') {
      capture.alive = false;
      return;
    }
    const job = this.#nextJob(capture, calls);
    const next = stepOf(capture.previous, job);
    const { epoch, previous } = capture;
    const answer = await writeIntent(this.#client, KEYS, { epoch, previous, next });
    if (fate === 'intent_unanswered' || !this.#judged(capture, answer)) return;
    if (fate === 'add_on_the_wire' || fate === 'dies_with_add_on_the_wire') this.#onTheWire.push(job);
    if (fate === 'dies_before_add' || fate === 'dies_with_add_on_the_wire') capture.alive = false;
    if (!capture.alive || fate === 'add_on_the_wire') return;
    await this.#add(job);
    if (fate === 'dies_after_add') capture.alive = false;
    if (fate === 'dies_after_add' || fate === 'add_unanswered') return;
    capture.previous = next;
    capture.attempt = null;
    capture.cursor = job.to + 1;
    if (capture.healUpTo === null) capture.settled = job.to;
    else this.#healedIfDone(capture);
  }

  /** The process compares Redis with what it knows, as it does every two seconds. */
  async check(which: number): Promise<void> {
    const capture = this.#captures[which];
    if (capture?.alive !== true) return;
    const { epoch, previous } = capture;
    this.#judged(capture, await checkLane(this.#client, KEYS, { epoch, previous }));
  }

  /** The process with the slot learns what is delivered, and then writes it down with what is queued. */
  async checkpoint(): Promise<void> {
    const [capture] = this.#captures;
    if (capture?.alive !== true || capture.healUpTo !== null) return;
    capture.floor.queued(BigInt(capture.settled) as Lsn, null, { [LANE]: capture.previous.seq });
    const delivered = await deliveredIn(this.#client, PREFIX, [LANE]);
    capture.floor.delivered({ [LANE]: delivered[LANE]?.seq ?? 0 });
    this.#writeCheckpoint(capture);
  }

  /** An add that was on its way arrives. */
  async arriveLate(which: number): Promise<void> {
    const [job] = this.#onTheWire.splice(which % Math.max(1, this.#onTheWire.length), 1);
    if (job !== undefined) await this.#add(job);
  }

  /** The lane's worker takes the head job, unless it has one in hand, and decides by its place. */
  async take(): Promise<void> {
    if (this.#hand !== null) return;
    await this.#giveBackStalled();
    const id = await this.#client.rpoplpush(WAIT, ACTIVE);
    if (id === null) return;
    const token = `t${(this.#nonce += 1)}`;
    await this.#client.set(`${KEYS.jobPrefix}${id}:lock`, token);
    const data = await this.#client.hget(KEYS.jobPrefix + id, 'data');
    if (data === null) throw new Error(`job ${id} has no data`);
    const job = JSON.parse(data) as Job;
    const place = placeOf(job, await readProgress(this.#client, KEYS.state));
    switch (place.tag) {
      case 'next':
        this.#holes = 0;
        this.#hand = { job, token, done: place.doneCalls };
        return;
      case 'hole':
        this.#holes += 1;
        this.missed += 1;
        if (this.#holes >= HOLE_PROBES) await reportHole(this.#client, KEYS.state, job, place.expectedSeq);
        await this.#giveBackStalled();
        return;
      case 'delivered':
      case 'superseded':
        await this.#complete(id);
        return;
      case 'outside_sequence':
        throw new Error('nothing is queued outside the sequence');
      default:
        place satisfies never;
    }
  }

  /** The worker sends up to `calls` of the job in hand; with the last of them the job is finished. */
  async send(calls: number, fate: SendFate): Promise<void> {
    const hand = this.#hand;
    if (hand === null) return;
    const still = await this.#sendFrom(hand, calls, fate !== 'done');
    if (!still) this.#hand = null;
    if (fate === 'done' || this.#hand === null) return;
    await this.#giveBackStalled();
    if (fate === 'stalls') this.#stalled.push(hand);
    this.#hand = null;
  }

  /** A worker that had stalled goes on with the job it believes to hold. */
  async wake(which: number, calls: number): Promise<void> {
    const hand = this.#stalled[which % Math.max(1, this.#stalled.length)];
    if (hand === undefined) return;
    if (!(await this.#sendFrom(hand, calls, false))) {
      this.#stalled = this.#stalled.filter((each) => each !== hand);
    }
  }

  async emptyRedis(): Promise<void> {
    await this.#client.flushall();
    this.#failed = [];
  }

  async snapshot(): Promise<void> {
    const keys = (await this.#client.keys('*')).toSorted();
    const dumps = await Promise.all(keys.map(async (key) => this.#client.dumpBuffer(key)));
    this.#snapshot = keys.map((key, i) => ({ key, dump: dumps[i] as Buffer }));
  }

  /** Redis is restarted and comes back as it was at the last snapshot: what was on the wire went with the connections. */
  async restore(): Promise<void> {
    if (this.#snapshot === null) return;
    await this.emptyRedis();
    this.#onTheWire = [];
    for (const { key, dump } of this.#snapshot) await this.#client.restore(key, 0, dump);
  }

  /** Somebody moves a waiting job aside, as to BullMQ's failed ones. */
  async moveAside(head: boolean): Promise<void> {
    const id = head ? await this.#client.rpop(WAIT) : await this.#client.lpop(WAIT);
    if (id !== null) this.#failed.push(id);
  }

  /** And puts it back, at the tail. */
  async putBack(): Promise<void> {
    const id = this.#failed.pop();
    if (id !== undefined) await this.#client.lpush(WAIT, id);
  }

  /** Everything goes well from now on. @throws when calls are still missing then */
  async drain(): Promise<void> {
    for (const job of this.#onTheWire) await this.#add(job);
    this.#onTheWire = [];
    // Beyond every job there is: a job moved aside is missed when its successor comes.
    const target = Math.max(this.arrived, ...this.#captures.map(({ cursor }) => cursor)) + 5;
    for (let round = 0; round < 500; round += 1) {
      const [capture] = this.#captures;
      if (capture?.alive !== true) await this.start();
      else if (capture.healUpTo !== null || capture.cursor <= target) await this.queue(0, 3, 'done');
      else await this.check(0);
      await this.take();
      await this.send(3, 'done');
      if (this.arrived >= target && (await this.#isEmpty())) return;
    }
    throw new Error(`after everything went well ${this.arrived} of ${target} calls have arrived`);
  }

  async #isEmpty(): Promise<boolean> {
    return this.#hand === null && (await this.#client.llen(WAIT)) + (await this.#client.llen(ACTIVE)) === 0;
  }

  #nextJob(capture: Capture, calls: number): Job {
    const { cursor: from, epoch, healUpTo, previous } = capture;
    const seq = previous.seq + 1;
    const to = Math.min(from + calls - 1, healUpTo ?? Infinity);
    capture.attempt ??= { id: `b${seq}-${epoch}-${(this.#nonce += 1)}`, seq, epoch, from, to };
    return capture.attempt;
  }

  #judged(capture: Capture, answer: LaneAnswer): boolean {
    if (answer.tag === 'lost') this.missed += 1;
    if (answer.tag !== 'ok') capture.alive = false;
    return capture.alive;
  }

  async #add(job: Job): Promise<void> {
    if ((await this.#client.hsetnx(KEYS.jobPrefix + job.id, 'data', JSON.stringify(job))) === 1) {
      await this.#client.lpush(WAIT, job.id);
    }
  }

  #healedIfDone(capture: Capture): void {
    if (capture.healUpTo === null || capture.cursor <= capture.healUpTo) return;
    capture.cursor = capture.healUpTo + 1;
    capture.healUpTo = null;
    this.#checkpoint = { ...this.#checkpoint, lanes: lanesOf(capture) };
  }

  #writeCheckpoint(capture: Capture): void {
    this.#checkpoint = {
      floor: Math.max(this.#checkpoint.floor, capture.settled),
      delivered: Number(capture.floor.floor),
      lanes: lanesOf(capture),
    };
  }

  /** False: the job is no longer this worker's. */
  async #sendFrom(hand: InHand, calls: number, diesThen: boolean): Promise<boolean> {
    const { job, token } = hand;
    const length = job.to - job.from + 1;
    for (let n = job.from + hand.done; n <= Math.min(job.to, job.from + hand.done + calls - 1); n += 1) {
      if (n > this.arrived + 1) throw new Error(`call ${n} arrived before ${this.arrived + 1}`);
      if (n === this.arrived + 1) this.arrived = n;
      else this.doubled += 1;
    }
    if (diesThen) return true;
    hand.done = Math.min(length, hand.done + calls);
    const lock = { key: `${KEYS.jobPrefix}${job.id}:lock`, token };
    const { seq, epoch } = job;
    if (hand.done < length) {
      return saveProgress(this.#client, KEYS.state, lock, { seq, epoch, calls: hand.done }, count(epoch));
    }
    const finished = { seq, epoch, position: '0/1', atMs: 1, bodyBytes: 1 };
    const done = await finishJob(this.#client, KEYS.state, lock, finished, count(epoch));
    const superseded = placeOf(job, await readProgress(this.#client, KEYS.state)).tag === 'superseded';
    if (done || (superseded && (await this.#client.get(lock.key)) === token)) await this.#complete(job.id);
    return false;
  }

  async #complete(id: string): Promise<void> {
    await this.#client.lrem(ACTIVE, 1, id);
    await this.#client.del(KEYS.jobPrefix + id, `${KEYS.jobPrefix}${id}:lock`);
  }

  /** What BullMQ does with jobs in hand whose lock has expired: back to the head. */
  async #giveBackStalled(): Promise<void> {
    for (let id = await this.#client.lpop(ACTIVE); id !== null; id = await this.#client.lpop(ACTIVE)) {
      await this.#client.del(`${KEYS.jobPrefix}${id}:lock`);
      await this.#client.rpush(WAIT, id);
    }
  }
}

function adopted(lane: TakenLane): Pick<Capture, 'epoch' | 'history' | 'previous'> {
  const mark = lane.mark === null ? '' : formatMark(lane.mark);
  return {
    epoch: lane.epoch,
    history: lane.history,
    previous: { seq: lane.queuedSeq, id: '', mark, queuedBytes: lane.queuedBytes },
  };
}

function stepOf(previous: LaneStep, job: Job): LaneStep {
  const rank = { kind: 4, key: '1', part: 1 } as const;
  const mark = formatMark({ endLsn: BigInt(job.to) as Lsn, slice: 0, rank });
  return { seq: job.seq, id: job.id, mark, queuedBytes: previous.queuedBytes + 1 };
}

function lanesOf({ previous, history, epoch }: Capture): LaneSnapshot {
  const { seq, mark } = previous;
  return { [LANE]: { seq, mark: mark === '' ? null : mark, history, epoch } };
}

function count(epoch: number): Count {
  const channel = TALLY_CHANNELS.live;
  return { target: tallyTarget(PREFIX, 'default', channel), pending: new PendingTally(channel, epoch) };
}
