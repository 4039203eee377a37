import { laneStateKey, type LaneName } from './keys.js';
import { viewLane, type LaneView } from './lane-state.js';
import { formatMark } from './mark.js';
import { queueLost } from './queue-lost.js';
import type { DeliveredLanes, LaneDelivered, LaneSnapshot } from './queue-sink.js';
import type { RedisClient } from './redis.js';

/** Runs a step on the connection, as often as it takes. */
export type OnRedis = <T>(act: (client: RedisClient) => Promise<T>) => Promise<T>;

/**
 * Does Redis hold what a checkpoint knows to be queued? It does not when a lane's history is another one (Redis was
 * emptied, or healing did not come to its end), when it has fewer jobs (older data came back), or when a worker found one
 * missing.
 * @throws ConnectorError QUEUE_LOST
 */
export async function compareLanes(onRedis: OnRedis, prefix: string, stored: LaneSnapshot): Promise<void> {
  for (const [name, confirmed] of Object.entries(stored)) {
    const [source, lane] = partsOf(name);
    const held = await onRedis(async (client) => viewLane(client, laneStateKey(prefix, source, lane)));
    const known = confirmed.history ?? held.history;
    if (held.queuedSeq >= confirmed.seq && held.history === known && !held.hole) continue;
    throw queueLost(source, lane, heldOf(held, known), confirmed);
  }
}

/** Of another history nothing counts. */
function heldOf(held: LaneView, history: string | null): { seq: number; mark: string | null } {
  if (held.history !== history) return { seq: 0, mark: null };
  return { seq: held.queuedSeq, mark: held.mark === null ? null : formatMark(held.mark) };
}

export async function deliveredIn(
  client: RedisClient,
  prefix: string,
  lanes: readonly LaneName[],
): Promise<DeliveredLanes> {
  const delivered: Record<LaneName, LaneDelivered> = {};
  for (const name of lanes) {
    const [source, lane] = partsOf(name);
    const view = await viewLane(client, laneStateKey(prefix, source, lane));
    delivered[name] = { seq: view.deliveredSeq, position: view.deliveredPosition };
  }
  return delivered;
}

function partsOf(name: string): [source: string, lane: number] {
  const slash = name.lastIndexOf('/');
  return [name.slice(0, slash), Number(name.slice(slash + 1))];
}
