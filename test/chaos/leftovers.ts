import { readdir } from 'node:fs/promises';
import type { RedisClient } from '../../src/queue/redis.js';
import { BACKFILL_LANE, REPLAY_LANE } from '../../src/queue/side-lanes.js';
import { asked } from './asked.js';
import type { Gauges } from './gauges.js';
import { onRedis, RUN_NAME } from './on-redis.js';
import { REPLAY_RETENTION_SECONDS, type Site } from './site.js';

/** A slot's oldest WAL follows its position with the server's own checkpoints. */
const LIVE_SLOT_KEEPS_MS = 120_000;
/** It moves each minute, once capture has streamed for as long as it is to keep: after a strike late in the run, later. */
const REPLAY_SLOT_MOVES_MS = 240_000;
const CLIENTS_GONE_MS = 10_000;
const POLL_MS = 200;

/** What the fleet leaves behind once it has ended, in words; empty when it is as it should be. `letters`: as many as are listed. */
export async function leftovers(site: Site, gauges: Gauges, letters: number): Promise<string[]> {
  return [
    ...(await slotsLeft(site, gauges)),
    ...(await databaseLeft(site)),
    ...(await onRedis(site, async (client) => [
      ...(await keysLeft(client, letters)),
      ...(await clientsLeft(client)),
    ])),
    ...(await spillLeft(site.spillDirectory)).map((name) => `a spilled file ${name}`),
  ];
}

async function slotsLeft({ pool, slotName }: Site, gauges: Gauges): Promise<string[]> {
  const found: string[] = [];
  const replayName = `${slotName}_replay`;
  const keepsFrom: Readonly<Record<string, string | null>> = {
    [slotName]: gauges.walAt(Date.now() - LIVE_SLOT_KEEPS_MS),
    [replayName]: gauges.walAt(Date.now() - REPLAY_SLOT_MOVES_MS - REPLAY_RETENTION_SECONDS * 1_000),
  };
  const { rows } = await asked<{ name: string; active: boolean; restart: string; retained: string }>(
    pool,
    `SELECT slot_name AS name, active, restart_lsn::text AS restart,
       pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint::text AS retained FROM pg_replication_slots`,
  );
  for (const { name, active, restart, retained } of rows) {
    if (active) found.push(`slot ${name} is active`);
    if (name !== slotName && name !== replayName) {
      found.push(`slot ${name}`);
      continue;
    }
    const from = keepsFrom[name] ?? null;
    if (from === null) continue;
    const { rows: kept } = await asked<{ late: boolean }>(pool, 'SELECT $1::pg_lsn < $2::pg_lsn AS late', [
      restart,
      from,
    ]);
    if (kept[0]?.late === true)
      found.push(`slot ${name} keeps ${retained} bytes of WAL, from ${restart} on instead of ${from}`);
  }
  if (!rows.some(({ name }) => name === slotName)) found.push('the slot is gone');
  return found;
}

async function databaseLeft({ pool, slotName }: Site): Promise<string[]> {
  const { rows } = await asked<{ found: string }>(
    pool,
    `SELECT 'database connection of ' || application_name AS found FROM pg_stat_activity WHERE application_name LIKE 'paytronix%'
     UNION ALL SELECT 'a prepared transaction of the run itself: ' || gid FROM pg_prepared_xacts
     UNION ALL SELECT 'a gap that is open: ' || reason FROM segment_connector.gap WHERE closed_at IS NULL
     UNION ALL SELECT 'a table of the run itself: ' || c.oid::regclass FROM pg_class c
       WHERE c.relname ~ '^chaos_' AND c.relkind = 'r' AND NOT (c.relispartition AND c.relname ~ '^chaos_visits_')
     UNION ALL SELECT 'a column of the run itself: ' || attname || ' of ' || attrelid::regclass FROM pg_attribute
       WHERE attname ~ '^chaos_' AND NOT attisdropped AND attnum > 0
     UNION ALL SELECT 'a checkpoint of another slot: ' || slot_name FROM segment_connector.checkpoint WHERE slot_name <> $1`,
    [slotName],
  );
  return rows.map(({ found }) => found);
}

const LANE = `(0|${REPLAY_LANE}|${BACKFILL_LANE})`;
const LETTER = /^paytronix:segment\/default\/dead-letters:d-[\w-]{27}$/;
/**
 * What an idle installation has: nothing waits, nothing is in hand, and nobody holds a lock. Of dead letters there are as many as
 * are listed.
 */
const EXPECTED_KEYS = [
  `segment/default/${LANE}:(meta|id|events|marker|stalled-check|pc)`,
  `segment/default/dead-letters:(meta|id|events|marker|wait|d-[\\w-]{27})`,
  `lane:default:${LANE}`,
  'lanes:default',
  'rate:default(:side)?',
  'letters:default:h[\\w-]{22}',
  '(suppressed|listed)-guests(:.*)?',
  'tally:default',
  'counted:default:\\d+(:\\d+:\\d+)?',
].map((pattern) => new RegExp(`^paytronix:${pattern}$`));

/** The note of a process that was killed says until it runs out that a lane is not taken. */
const NOTE = new RegExp(`^paytronix:delivery-note:default:(source|${LANE})$`);

async function keysLeft(client: RedisClient, letters: number): Promise<string[]> {
  const keys: string[] = [];
  for (const key of await client.keys('*')) {
    // -1: it would stay for good.
    if (!NOTE.test(key) || (await client.pttl(key)) === -1) keys.push(key);
  }
  const stored = keys.filter((key) => LETTER.test(key)).length;
  return [
    ...keys
      .filter((key) => !EXPECTED_KEYS.some((pattern) => pattern.test(key)))
      .map((key) => `redis key ${key}`),
    ...(stored === letters ? [] : [`${stored} dead letters are stored where ${letters} are listed`]),
  ];
}

/** A server notices a moment later that a client has gone. */
async function clientsLeft(client: RedisClient): Promise<string[]> {
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const list = String(await client.client('LIST'));
    const names = list
      .trim()
      .split('\n')
      .map((line) => / name=(\S*)/.exec(line)?.[1] ?? '')
      .filter((name) => name !== RUN_NAME);
    if (names.length === 0 || waitedMs >= CLIENTS_GONE_MS)
      return names.map((name) => `redis connection of ${name}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function spillLeft(directory: string): Promise<string[]> {
  return readdir(directory, { recursive: true });
}
