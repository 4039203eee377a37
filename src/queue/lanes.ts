import { createHash } from 'node:crypto';
import { ConnectorError } from '../errors/connector-error.js';
import { laneCountKey, laneStateKey } from './keys.js';
import { defineScript, type RedisClient } from './redis.js';

/**
 * The lane of an account: stable over processes, machines and releases, for events of one account keep their order only
 * within a lane.
 */
export function laneOf(accountKey: string, lanes: number): number {
  if (lanes <= 1) return 0;
  return createHash('md5').update(accountKey).digest().readUInt32BE(0) % lanes;
}

const claimScript = defineScript(
  'segmentClaimLanes',
  1,
  `
local stored = tonumber(redis.call('GET', KEYS[1]) or '0')
local wanted = tonumber(ARGV[1])
if stored == wanted then return {1, stored} end
for lane = 0, stored - 1 do
  local h = ARGV[2] .. lane
  local s = redis.call('HMGET', h, 'queuedSeq', 'pendingSeq', 'deliveredSeq')
  local queued = math.max(tonumber(s[1] or '0'), tonumber(s[2] or '0'))
  if queued > tonumber(s[3] or '0') then return {0, stored} end
end
for lane = 0, math.max(stored, wanted) - 1 do redis.call('HDEL', ARGV[2] .. lane, 'mark', 'pendingMark') end
redis.call('SET', KEYS[1], ARGV[1])
return {1, stored}
`,
);

/**
 * Makes sure that everyone means the same lanes. A change is made only when nothing is queued: accounts move between lanes,
 * and an account's events in two lanes would overtake each other. The marks go with it, for a lane's mark says nothing
 * of accounts that were in another lane: what is queued again then carries the same message ids.
 * @throws ConnectorError LANES_CHANGED when jobs are queued under another number of lanes.
 */
export async function claimLanes(
  client: RedisClient,
  prefix: string,
  source: string,
  lanes: number,
): Promise<void> {
  const stateKeys = laneStateKey(prefix, source, 0).slice(0, -1);
  const answer = (await claimScript(client, [laneCountKey(prefix, source)], [lanes, stateKeys])) as [
    number,
    number,
  ];
  if (answer[0] === 1) return;
  throw new ConnectorError('LANES_CHANGED', `source ${source} has jobs queued in ${answer[1]} lanes`, {
    facts: { source, configured: lanes, stored: answer[1] },
  });
}
