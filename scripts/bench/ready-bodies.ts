import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { queuedJobs } from './queued-jobs.js';
import type { Site } from './site.js';

/**
 * Writes what the connector will post, a request body a line, into a file: one job is one request when no limit splits it.
 * @returns how many bodies there are
 */
export async function writeBodies(site: Site, file: string): Promise<number> {
  const out = createWriteStream(file, { mode: 0o600 });
  let bodies = 0;
  for await (const calls of queuedJobs(site.redis, 'default', 0)) {
    const lines = calls.map(({ json }) => json).join(',');
    const isRoom = out.write(`{"batch":[${lines}],"sentAt":"${new Date().toISOString()}"}\n`);
    bodies += 1;
    if (!isRoom) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
  return bodies;
}
