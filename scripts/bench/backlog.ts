import type { Redis } from 'ioredis';
import { laneOf } from '../../src/queue/lanes.js';
import { ConnectorProcess } from './connector.js';
import { CALLS_A_PURCHASE, lastOfLanes, type PurchaseSpan } from './expected-purchases.js';
import { holdsTransaction } from './queued-jobs.js';
import type { Site } from './site.js';
import { peakMiB } from './usage.js';
import { until } from './until.js';

/** Keys saved or restored with one round trip. */
const KEYS_AT_A_TIME = 50;
const LOOK_MS = 200;

/** A Redis full of jobs, which can be put back as often as a figure has rounds. */
export interface Backlog {
  readonly events: number;
  /** Peak memory of the capture process that queued them, MiB. */
  readonly capturePeakMiB: number;
  restore(): Promise<void>;
}

export interface BacklogOptions {
  readonly span: PurchaseSpan;
  readonly lanes?: number;
  /** Purchases a commit. Default 50: the commits are not what is measured. */
  readonly aCommit?: number;
  /** Default true. False: it cannot be put back, and costs no memory here. */
  readonly restorable?: boolean;
}

/** Writes purchases and lets the connector's capture queue their events. */
export async function fillBacklog(site: Site, options: BacklogOptions): Promise<Backlog> {
  const { span, lanes = 1 } = options;
  // Slots are the server's, and figures may run side by side.
  const slotName = `${site.databaseName}_${lanes}_${span.from}`;
  await site.redis.flushall();
  await site.setUpSlot(slotName);
  await site.purchase(span, { aCommit: options.aCommit ?? 50 });
  const events = (span.to - span.from) * CALLS_A_PURCHASE;
  await using capture = ConnectorProcess.start(site, {
    role: 'capture',
    slotName,
    env: { LANES: String(lanes) },
  });
  await capture.logged('replication stream started');
  const last = [...lastOfLanes(span, lanes, laneOf)];
  const queued = async (): Promise<boolean> => {
    const held = last.map(async ([lane, id]) => holdsTransaction(site.redis, 'default', lane, id));
    return (await Promise.all(held)).every(Boolean);
  };
  await until(queued, `${events} events in Redis`, { everyMs: LOOK_MS, failed: capture.failed });
  const capturePeakMiB = peakMiB(capture.pid);
  await capture.stop();
  await site.dropSlots(slotName);
  const saved = options.restorable === false ? null : await save(site.redis);
  return {
    events,
    capturePeakMiB,
    restore: async () => {
      if (saved === null) throw new RangeError('this backlog was not saved');
      await restore(site.redis, saved);
    },
  };
}

async function save(redis: Redis): Promise<ReadonlyMap<string, Buffer>> {
  const keys = await redis.keys('*');
  const saved = new Map<string, Buffer>();
  for (let at = 0; at < keys.length; at += KEYS_AT_A_TIME) {
    const some = keys.slice(at, at + KEYS_AT_A_TIME);
    const dumps = await Promise.all(some.map(async (key) => redis.dumpBuffer(key)));
    for (const [index, dump] of dumps.entries()) saved.set(some[index] ?? '', dump);
  }
  return saved;
}

async function restore(redis: Redis, saved: ReadonlyMap<string, Buffer>): Promise<void> {
  await redis.flushall();
  const entries = [...saved];
  for (let at = 0; at < entries.length; at += KEYS_AT_A_TIME) {
    const some = entries.slice(at, at + KEYS_AT_A_TIME);
    await Promise.all(some.map(async ([key, dump]) => redis.restore(key, 0, dump)));
  }
}
