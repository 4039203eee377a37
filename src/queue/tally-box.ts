import { randomBytes } from 'node:crypto';
import { TALLY_LUA, movingTallyKey, tallyKey, countedKey, TALLY_CHANNELS } from './tally.js';
import type { PendingTally, Tally, TallyChannel } from './tally.js';
import { defineScript, type RedisClient } from './redis.js';

/** Tallies under a name that says whether PostgreSQL has them already. */
export interface TallyBatch {
  readonly id: string;
  readonly tallies: readonly Tally[];
}

/** Where one lane's deliveries are counted. */
export interface TallyTarget {
  readonly key: string;
  readonly counted: string;
  readonly channel: TallyChannel;
}

export function tallyTarget(prefix: string, source: string, channel: TallyChannel): TallyTarget {
  return { key: tallyKey(prefix, source), counted: countedKey(prefix, source, channel), channel };
}

/** Arguments for `tally()` of TALLY_LUA. */
export function tallyArguments(pending: PendingTally): readonly (string | number | Buffer)[] {
  const { calls, groups } = pending.pack();
  // What the live lanes have counted is remembered across their histories, of a side lane for one run.
  const memory = pending.channel === TALLY_CHANNELS.live ? 0 : pending.run;
  return [randomBytes(12).toString('base64url'), memory, calls, ...groups];
}

const countScript = defineScript(
  'segmentTally',
  3,
  `${TALLY_LUA}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
tally(KEYS[2], KEYS[3], 2)
return 1
`,
);

/** Counts calls of a job outside the lane's sequence, which has no progress to save. False: the job passed to another. */
export async function countOutsideSequence(
  client: RedisClient,
  lock: { readonly key: string; readonly token: string },
  target: TallyTarget,
  pending: PendingTally,
): Promise<boolean> {
  const keys = [lock.key, target.key, target.counted];
  return (await countScript(client, keys, [lock.token, ...tallyArguments(pending)])) === 1;
}

const passedOverScript = defineScript(
  'segmentTallyPassedOver',
  3,
  `${TALLY_LUA}
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
tally(KEYS[2], KEYS[3], 2)
return 1
`,
);

/** Counts calls that capture does not queue. False: the lane is no longer that of this epoch. */
export async function countPassedOver(
  client: RedisClient,
  lane: { readonly stateKey: string; readonly epoch: number },
  target: TallyTarget,
  pending: PendingTally,
): Promise<boolean> {
  const keys = [lane.stateKey, target.key, target.counted];
  return (await passedOverScript(client, keys, [lane.epoch, ...tallyArguments(pending)])) === 1;
}

const freezeScript = defineScript(
  'segmentTallyFreeze',
  2,
  `
if redis.call('EXISTS', KEYS[2]) == 0 then
  if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
  redis.call('RENAME', KEYS[1], KEYS[2])
end
return redis.call('HGETALL', KEYS[2])
`,
);

const dropScript = defineScript(
  'segmentTallyDrop',
  1,
  `
if redis.call('HGET', KEYS[1], 'batch') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`,
);

const readScript = defineScript(
  'segmentTallyRead',
  2,
  `return {redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2])}`,
);

/** The tallies of one source that Redis holds. */
export class TallyBox {
  readonly #client: RedisClient;
  readonly #open: string;
  readonly #moving: string;

  constructor(client: RedisClient, prefix: string, source: string) {
    this.#client = client;
    this.#open = tallyKey(prefix, source);
    this.#moving = movingTallyKey(prefix, source);
  }

  /** Sets aside what was counted so far, or gives what was set aside before and never dropped. Null: nothing was counted. */
  async freeze(): Promise<TallyBatch | null> {
    return batchOf((await freezeScript(this.#client, [this.#open, this.#moving], [])) as string[]);
  }

  /** Forgets the batch set aside, if it still is this one: PostgreSQL has it. */
  async drop(id: string): Promise<void> {
    await dropScript(this.#client, [this.#moving], [id]);
  }

  /** What is set aside and what is being counted, as of one moment. */
  async read(): Promise<readonly TallyBatch[]> {
    const answer = (await readScript(this.#client, [this.#moving, this.#open], [])) as [string[], string[]];
    return answer.map(batchOf).filter((batch) => batch !== null);
  }
}

const FIELD = /^(\d+):(\d+):(\d+):(-?\d+):([nhl])$/;

function batchOf(flat: readonly string[]): TallyBatch | null {
  let id = '';
  const groups = new Map<string, { key: RegExpExecArray; count: number; high: bigint; low: bigint }>();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [field = '', value = ''] = [flat[i], flat[i + 1]];
    if (field === 'batch') id = value;
    const key = FIELD.exec(field);
    if (key === null) continue;
    const name = field.slice(0, -2);
    const group = groups.get(name) ?? { key, count: 0, high: 0n, low: 0n };
    groups.set(name, group);
    if (key[5] === 'n') group.count = Number(value);
    else if (key[5] === 'h') group.high = BigInt(value);
    else group.low = BigInt(value);
  }
  if (id === '') return null;
  const tallies = [...groups.values()].map(({ key, count, high, low }) => ({
    channel: Number(key[1]) as TallyChannel,
    run: Number(key[2]),
    name: Number(key[3]),
    minute: Number(key[4]),
    count,
    sum: BigInt.asIntN(64, (high << 32n) + low),
  }));
  return { id, tallies: tallies.filter(({ channel }) => isChannel(channel)) };
}

function isChannel(channel: number): channel is TallyChannel {
  return Object.values<number>(TALLY_CHANNELS).includes(channel);
}
