import type { Knex } from 'knex';

import type { Clock } from '../../lifecycle/clock.js';
import { failure, ok, warning, type Finding } from '../../preflight/finding.js';
import { rowOf } from '../query.js';

/** Settings and counters of the server that capture depends on. */
export interface ServerFacts {
  /** For instance 180004. */
  readonly versionNumber: number;
  readonly walLevel: string;
  readonly inRecovery: boolean;
  readonly maxSlots: number;
  readonly usedSlots: number;
  readonly maxSenders: number;
  readonly usedSenders: number;
  /** 0: disabled. */
  readonly walSenderTimeoutMs: number;
  /** -1: no limit. */
  readonly maxSlotWalKeepMiB: number;
  /** 0: disabled; null: the server is older than 18 and has no such setting. */
  readonly idleSlotTimeoutSeconds: number | null;
  readonly trackCommitTimestamp: boolean;
  /** Server's clock less ours, and how wrong that may be: half of the round trip. */
  readonly clockAheadMs: number;
  readonly clockUncertaintyMs: number;
}

interface ServerRow {
  version: number;
  wal_level: string;
  in_recovery: boolean;
  max_slots: number;
  used_slots: number;
  max_senders: number;
  used_senders: number;
  wal_sender_timeout: number;
  keep: number;
  idle: number | null;
  track: boolean;
  now_ms: string;
}

/** @throws ConnectorError DATABASE_… */
export async function readServerFacts(knex: Knex, clock: Clock): Promise<ServerFacts> {
  // Settings as pg_settings has them: plain numbers in a fixed unit, where SHOW would print `1min`.
  const setting = (name: string): string =>
    `(SELECT setting::bigint::int FROM pg_settings WHERE name = '${name}')`;
  const statement = `SELECT ${setting('server_version_num')} AS version, current_setting('wal_level') AS wal_level,
    pg_is_in_recovery() AS in_recovery, ${setting('max_replication_slots')} AS max_slots,
    (SELECT count(*)::int FROM pg_replication_slots) AS used_slots, ${setting('max_wal_senders')} AS max_senders,
    (SELECT count(*)::int FROM pg_stat_replication) AS used_senders,
    ${setting('wal_sender_timeout')} AS wal_sender_timeout, ${setting('max_slot_wal_keep_size')} AS keep,
    ${setting('idle_replication_slot_timeout')} AS idle, current_setting('track_commit_timestamp')::boolean AS track,
    (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text AS now_ms`;
  // The first statement of a connection includes connecting; the clocks are compared over a plain round trip.
  await rowOf(knex, 'reading the server settings', 'SELECT 1 AS one');
  const before = clock.now();
  const row = await rowOf<ServerRow>(knex, 'reading the server settings', statement);
  const after = clock.now();
  return {
    versionNumber: row.version,
    walLevel: row.wal_level,
    inRecovery: row.in_recovery,
    maxSlots: row.max_slots,
    usedSlots: row.used_slots,
    maxSenders: row.max_senders,
    usedSenders: row.used_senders,
    walSenderTimeoutMs: row.wal_sender_timeout,
    maxSlotWalKeepMiB: row.keep,
    idleSlotTimeoutSeconds: row.idle,
    trackCommitTimestamp: row.track,
    clockAheadMs: Number(row.now_ms) - (before + after) / 2,
    clockUncertaintyMs: (after - before) / 2,
  };
}

const CLOCK_LIMIT_MS = 2_000;
const SHORTEST_SENDER_TIMEOUT_MS = 5_000;
/** Less than an hour of a busy server's WAL. */
const LOW_KEEP_MIB = 4_096;

/** Which of our slots are among the used ones. */
export interface OwnSlots {
  readonly main: boolean;
  readonly replay: boolean;
}

/** @param own which of our slots there are already. */
export function judgeServer(facts: ServerFacts, own: OwnSlots): readonly Finding[] {
  return [
    judgeVersion(facts.versionNumber),
    judgeWalLevel(facts.walLevel),
    judgeRecovery(facts.inRecovery),
    judgeSlots(facts, own),
    judgeSenders(facts),
    judgeSenderTimeout(facts.walSenderTimeoutMs),
    judgeKeepSize(facts.maxSlotWalKeepMiB),
    ...(facts.idleSlotTimeoutSeconds === null ? [] : [judgeIdleTimeout(facts.idleSlotTimeoutSeconds)]),
    judgeCommitTimestamps(facts.trackCommitTimestamp),
    judgeClock(facts),
  ];
}

function judgeVersion(version: number): Finding {
  const major = Math.floor(version / 10_000);
  if (major >= 15) return ok('version', `PostgreSQL ${major}`);
  return failure(
    'version',
    `PostgreSQL ${major}`,
    'Column lists of publications, which keep personal data out of the stream, came with PostgreSQL 15.',
    'Upgrade the server to PostgreSQL 15 or newer.',
  );
}

function judgeWalLevel(level: string): Finding {
  if (level === 'logical') return ok('wal-level', 'wal_level is logical');
  return failure(
    'wal-level',
    `wal_level is ${level}`,
    'The log then does not hold what logical decoding needs, and no slot can be made.',
    `ALTER SYSTEM SET wal_level = 'logical'; -- then restart the server`,
  );
}

function judgeRecovery(inRecovery: boolean): Finding {
  if (!inRecovery) return ok('primary', 'the server is a primary');
  return failure(
    'primary',
    'the server is a standby',
    'The connector writes its checkpoint beside the data, and a standby is read-only.',
    'Point DATABASE_URL at the primary.',
  );
}

function judgeSlots({ maxSlots, usedSlots }: ServerFacts, own: OwnSlots): Finding {
  const what = `${usedSlots} of ${maxSlots} replication slots are used`;
  const fix = `ALTER SYSTEM SET max_replication_slots = ${maxSlots + 4}; -- then restart the server`;
  const free = maxSlots - usedSlots;
  const toMake = (own.main ? 0 : 1) + (own.replay ? 0 : 1);
  if (free < (own.main ? 0 : 1))
    return failure('free-slots', what, 'The connector needs one of its own.', fix);
  if (free >= toMake + 1) return ok('free-slots', what);
  return warning(
    'free-slots',
    what,
    'Beside its own slot the connector keeps a second one for replays, and while it replays, previews or fills a Redis that lost its data it needs a third for that time.',
    fix,
  );
}

function judgeSenders({ maxSenders, usedSenders }: ServerFacts): Finding {
  const what = `${usedSenders} of ${maxSenders} WAL senders are used`;
  const fix = `ALTER SYSTEM SET max_wal_senders = ${maxSenders + 4}; -- then restart the server`;
  const free = maxSenders - usedSenders;
  if (free >= 2) return ok('free-senders', what);
  if (free === 1) {
    return warning(
      'free-senders',
      what,
      'Streaming needs one, and a replay, a preview or filling a Redis that lost its data another one meanwhile.',
      fix,
    );
  }
  return failure(
    'free-senders',
    what,
    'Streaming needs one, and a reconnect may come before the server has given up the old one.',
    fix,
  );
}

function judgeSenderTimeout(timeoutMs: number): Finding {
  const id = 'wal-sender-timeout';
  if (timeoutMs === 0) {
    return warning(
      id,
      'wal_sender_timeout is 0 (disabled)',
      'When this machine vanishes without closing its connection, the server holds the slot for a process that is gone, and a standby cannot take over.',
      `ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();`,
    );
  }
  if (timeoutMs >= SHORTEST_SENDER_TIMEOUT_MS) return ok(id, `wal_sender_timeout is ${timeoutMs} ms`);
  return warning(
    id,
    `wal_sender_timeout is ${timeoutMs} ms`,
    'A short pause of this process or of the network ends the stream, and starting it again reads WAL a second time.',
    `ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();`,
  );
}

function judgeKeepSize(keepMiB: number): Finding {
  const id = 'slot-wal-keep-size';
  if (keepMiB < 0) {
    return warning(
      id,
      'max_slot_wal_keep_size is unlimited',
      'While the connector is down its slot keeps all WAL, until the disk of the database is full.',
      `ALTER SYSTEM SET max_slot_wal_keep_size = '100GB'; SELECT pg_reload_conf(); -- what the disk can spare`,
    );
  }
  if (keepMiB >= LOW_KEEP_MIB) return ok(id, `max_slot_wal_keep_size is ${keepMiB} MB`);
  return warning(
    id,
    `max_slot_wal_keep_size is only ${keepMiB} MB`,
    'An outage of the connector that lasts longer than this much WAL invalidates the slot, and what came after is lost to it.',
    `ALTER SYSTEM SET max_slot_wal_keep_size = '100GB'; SELECT pg_reload_conf(); -- what the disk can spare`,
  );
}

function judgeIdleTimeout(seconds: number): Finding {
  const id = 'idle-slot-timeout';
  if (seconds === 0) return ok(id, 'idle_replication_slot_timeout is disabled');
  return warning(
    id,
    `idle_replication_slot_timeout is ${seconds} s`,
    'A connector that is down for longer finds its slot invalidated, and what came after is lost to it; the replay slot, which nobody streams from, goes with it.',
    `ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();`,
  );
}

function judgeCommitTimestamps(on: boolean): Finding {
  const id = 'track-commit-timestamp';
  if (on) return ok(id, 'track_commit_timestamp is on');
  return warning(
    id,
    'track_commit_timestamp is off',
    'When an account is seen for the first time, its balances as of a commit are found by posted_at instead of by the time of commit: lines posted in one order and committed in another can give that event a balance a moment off.',
    `ALTER SYSTEM SET track_commit_timestamp = on; -- then restart the server`,
  );
}

function judgeClock({ clockAheadMs, clockUncertaintyMs }: ServerFacts): Finding {
  const id = 'clock';
  const apart = Math.round(Math.abs(clockAheadMs));
  if (apart - clockUncertaintyMs <= CLOCK_LIMIT_MS) return ok(id, `clocks are within ${apart} ms`);
  return warning(
    id,
    `the clock of the server is ${apart} ms ${clockAheadMs > 0 ? 'ahead of' : 'behind'} this machine's`,
    'Segment corrects the time of each event by the clock of this machine, so every event is dated wrong by as much.',
    'Keep both clocks with NTP (timedatectl set-ntp true).',
  );
}
