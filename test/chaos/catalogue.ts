import type { Fault } from './fault.js';
import { COMMIT_FAULTS } from './faults/commits.js';
import { POSTGRES_FAULTS } from './faults/postgres.js';
import { PROCESS_FAULTS } from './faults/processes.js';
import { REDIS_FAULTS } from './faults/redis.js';
import { SCHEMA_FAULTS } from './faults/schema.js';
import { SEGMENT_FAULTS } from './faults/segment.js';
import { SLOT_FAULTS } from './faults/slot.js';
import { WAY_FAULTS } from './faults/ways.js';

/**
 * Faults of a track follow each other; the tracks run side by side. So what the servers do coincides with what happens to
 * the processes, to Segment and to the commits.
 */
export const TRACKS: Readonly<Record<string, readonly Fault[]>> = {
  servers: [...POSTGRES_FAULTS, ...REDIS_FAULTS, ...WAY_FAULTS, ...SLOT_FAULTS],
  around: [...PROCESS_FAULTS, ...SEGMENT_FAULTS],
  commits: [...COMMIT_FAULTS, ...SCHEMA_FAULTS],
};

export const FAULTS: readonly Fault[] = Object.values(TRACKS).flat();
