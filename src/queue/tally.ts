import { EVENT_NAMES } from '../events/event.js';
import type { QueuedCall } from './job.js';
import { messageHashHalves } from './message-hash.js';
import { BACKFILL_LANE, REPLAY_LANE } from './side-lanes.js';

/**
 * Tallies of what left: per channel, event and minute the number of distinct message ids and the sum of their 64-bit
 * hashes. Delivery adds to them in the very script that saves its progress, so a job that is sent again after a crash is
 * counted once; capture moves them into PostgreSQL.
 *
 * Guarantees. Each call whose job's progress is saved is counted, once. The minute is that of the call's `timestamp`. An id
 * that comes again (a till's repeats, a job doubled by a restart, a dead letter put back) counts with its first arrival as
 * long as it is among the last 100,000 to 200,000 ids of its source; what a replay or backfill sends again is kept in
 * channels of their own, by run, and never adds to what the live lanes sent. A Redis that loses its data loses no count: what is
 * known to be delivered was moved before, and all else is sent again and counted as another run of the live lanes.
 */
export const TALLY_CHANNELS = { live: 0, suppressed: 1, replay: 2, backfill: 3 } as const;
export type TallyChannel = (typeof TALLY_CHANNELS)[keyof typeof TALLY_CHANNELS];

/** The position of a name is its code in Redis and PostgreSQL: append only. */
export const TALLIED_NAMES: readonly string[] = [...EVENT_NAMES, 'identify'];

/** One group of a batch of tallies. `sum` is modulo 2^64, as a signed integer. */
export interface Tally {
  readonly channel: TallyChannel;
  /**
   * Of a side channel: the epoch of its lane, which tells runs apart. Of the live one: the number of the lanes' history, so
   * that what is sent once more after Redis lost its data adds nothing to what was counted before.
   */
  readonly run: number;
  /** Index in TALLIED_NAMES. */
  readonly name: number;
  /** Minutes since 1970. */
  readonly minute: number;
  readonly count: number;
  readonly sum: bigint;
}

/** What a lane's deliveries count as. */
export function channelOfLane(lane: number): TallyChannel {
  switch (lane) {
    case REPLAY_LANE:
      return TALLY_CHANNELS.replay;
    case BACKFILL_LANE:
      return TALLY_CHANNELS.backfill;
    default:
      return TALLY_CHANNELS.live;
  }
}

/** Hash of the tallies not yet taken by capture; `moving` those being moved. */
export function tallyKey(prefix: string, source: string): string {
  return `${prefix}:tally:${source}`;
}

export function movingTallyKey(prefix: string, source: string): string {
  return `${prefix}:tally-moving:${source}`;
}

/** Before the keys of the recently counted ids: the live lanes share them, a side lane has its own. */
export function countedKey(prefix: string, source: string, channel: TallyChannel): string {
  return `${prefix}:counted:${source}:${channel}`;
}

const TIMESTAMP = ',"timestamp":"';
const MS_PER_MINUTE = 60_000;

/** Minute of the call's timestamp; null without a readable one. Inside a JSON string the searched text has its quotes escaped. */
export function minuteOfCall(json: string): number | null {
  const at = json.indexOf(TIMESTAMP);
  if (at === -1) return null;
  const from = at + TIMESTAMP.length;
  const ms = Date.parse(json.slice(from, json.indexOf('"', from)));
  return Number.isNaN(ms) ? null : Math.floor(ms / MS_PER_MINUTE);
}

/** Calls of one job that are dealt with and not yet counted. */
export class PendingTally {
  readonly channel: TallyChannel;
  readonly run: number;
  /** By message id: a job that is walked twice passes the same calls again. */
  #delivered = new Map<string, QueuedCall>();
  #suppressed = new Map<string, QueuedCall>();

  constructor(channel: TallyChannel, run: number) {
    this.channel = channel;
    this.run = run;
  }

  delivered(calls: readonly QueuedCall[]): void {
    keepFirst(this.#delivered, calls);
  }

  suppressed(calls: readonly QueuedCall[]): void {
    keepFirst(this.#suppressed, calls);
  }

  clear(): void {
    this.#delivered = new Map();
    this.#suppressed = new Map();
  }

  /** As the script wants it: ten bytes a call (high and low half, group), and the groups. */
  pack(): { readonly calls: Buffer; readonly groups: readonly string[] } {
    const groups = new Map<string, number>();
    const packed = Buffer.alloc(10 * (this.#delivered.size + this.#suppressed.size));
    let at = 0;
    const add = (channel: TallyChannel, run: number, call: QueuedCall): void => {
      const name = TALLIED_NAMES.indexOf(call.name);
      const minute = minuteOfCall(call.json);
      if (name === -1 || minute === null) return;
      const group = `${channel}:${run}:${name}:${minute}`;
      const index = groups.get(group) ?? groups.size;
      groups.set(group, index);
      const { high, low } = messageHashHalves(call.messageId);
      packed.writeUInt32BE(high, at);
      packed.writeUInt32BE(low, at + 4);
      packed.writeUInt16BE(index, at + 8);
      at += 10;
    };
    for (const call of this.#delivered.values()) add(this.channel, this.run, call);
    const passedOver = this.channel === TALLY_CHANNELS.live ? this.run : 0;
    for (const call of this.#suppressed.values()) add(TALLY_CHANNELS.suppressed, passedOver, call);
    return { calls: packed.subarray(0, at), groups: [...groups.keys()] };
  }
}

/** A till's repeat carries the id of the first row, and may carry another minute: it counts with the first. */
function keepFirst(kept: Map<string, QueuedCall>, calls: readonly QueuedCall[]): void {
  for (const call of calls) if (!kept.has(call.messageId)) kept.set(call.messageId, call);
}

/**
 * `tally(key, counted, first)`: ARGV from `first` on are the id for a new batch, the run, the packed calls and the groups.
 *
 * Recently counted ids are kept in two generations of 256 sets of 53-bit integers, of which Redis stores each in 8 bytes
 * as long as a set has at most 512 of them: some 2 MB a source. Sums are kept as those of the two halves, which never
 * overflow Redis' 64-bit counters.
 */
export const TALLY_LUA = `
local function tally(key, counted, first)
  local packed = ARGV[first + 2]
  if not packed or #packed == 0 then return end
  local memory = redis.call('HMGET', counted, 'generation', 'size', 'run')
  local generation, size = tonumber(memory[1] or '0'), tonumber(memory[2] or '0')
  local function forget(old)
    for shard = 0, 255 do redis.call('DEL', counted .. ':' .. old .. ':' .. shard) end
  end
  if memory[3] and memory[3] ~= ARGV[first + 1] then
    forget(generation - 1)
    forget(generation)
    size = 0
  end
  local sums = {}
  for at = 1, #packed, 10 do
    local high, low, group = struct.unpack('>I4I4I2', packed, at)
    local shard = math.floor(high / 16777216)
    local member = string.format('%.0f', (high % 2097152) * 4294967296 + low)
    local earlier = counted .. ':' .. (generation - 1) .. ':' .. shard
    if redis.call('SISMEMBER', earlier, member) == 0
      and redis.call('SADD', counted .. ':' .. generation .. ':' .. shard, member) == 1 then
      size = size + 1
      local sum = sums[group]
      if not sum then
        sum = {0, 0, 0}
        sums[group] = sum
      end
      sum[1], sum[2], sum[3] = sum[1] + 1, sum[2] + high, sum[3] + low
    end
  end
  for group, sum in pairs(sums) do
    local field = ARGV[first + 3 + group]
    redis.call('HINCRBY', key, field .. ':n', sum[1])
    redis.call('HINCRBY', key, field .. ':h', string.format('%.0f', sum[2]))
    redis.call('HINCRBY', key, field .. ':l', string.format('%.0f', sum[3]))
  end
  if next(sums) then redis.call('HSETNX', key, 'batch', ARGV[first]) end
  if size >= 100000 then
    forget(generation - 1)
    generation, size = generation + 1, 0
  end
  redis.call('HSET', counted, 'generation', generation, 'size', size, 'run', ARGV[first + 1])
end
`;
