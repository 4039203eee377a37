import { decodeJob, type QueuedCall } from './job.js';
import { jobKeyPrefix, laneQueueName } from './keys.js';
import { defineScript, type RedisClient } from './redis.js';

const jobIdsScript = defineScript(
  'segmentLaneJobs',
  3,
  `
local ids = {}
for _, key in ipairs(KEYS) do
  for _, id in ipairs(redis.call('LRANGE', key, 0, -1)) do table.insert(ids, id) end
end
return ids
`,
);

/** Bodies are compressed batches: a few at a time keep memory flat. */
const JOBS_AT_ONCE = 20;

/**
 * The calls queued in a lane, waiting or in hand, as of one moment but for jobs that were completed since. Reads without
 * taking; jobs that cannot be read are passed over, the lane's worker deals with them.
 */
export async function* queuedCalls(
  client: RedisClient,
  prefix: string,
  source: string,
  lane: number,
): AsyncGenerator<QueuedCall> {
  const jobPrefix = jobKeyPrefix(prefix, laneQueueName(source, lane));
  const lists = ['wait', 'paused', 'active'].map((list) => jobPrefix + list);
  const ids = (await jobIdsScript(client, lists, [])) as string[];
  for (let from = 0; from < ids.length; from += JOBS_AT_ONCE) {
    const some = ids.slice(from, from + JOBS_AT_ONCE);
    const bodies = await Promise.all(some.map(async (id) => client.hget(jobPrefix + id, 'data')));
    for (const body of bodies) {
      const decoded = body === null ? null : decodeJob(parsed(body));
      if (decoded?.tag === 'job') yield* decoded.calls;
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON, so none of ours: as good as nothing.
    return null;
  }
}
