import type { Knex } from 'knex';

import { parseLsn, type Lsn } from './lsn.js';
import { rowOf, rowsOf } from './query.js';

/**
 * A replication slot as pg_replication_slots shows it.
 * @see https://www.postgresql.org/docs/current/view-pg-replication-slots.html
 */
export interface SlotState {
  readonly slotName: string;
  readonly plugin: string | null;
  readonly slotType: 'physical' | 'logical';
  readonly database: string | null;
  readonly temporary: boolean;
  readonly active: boolean;
  /** The server process streaming from it. */
  readonly activePid: number | null;
  readonly restartLsn: Lsn | null;
  readonly confirmedFlushLsn: Lsn | null;
  /** `lost`: the WAL it needs is gone and the slot is unusable. */
  readonly walStatus: 'reserved' | 'extended' | 'unreserved' | 'lost' | null;
  /** Bytes of WAL that can still be written before the slot is in danger; null = no limit. */
  readonly safeWalBytes: bigint | null;
  /** WAL kept on the server for this slot. */
  readonly retainedBytes: bigint | null;
  /** WAL written since the confirmed position. */
  readonly behindBytes: bigint | null;
  /** Why it was invalidated; PostgreSQL 17 and newer. */
  readonly invalidationReason: string | null;
  /** Invalidated by a conflict with recovery on a standby; PostgreSQL 16 and newer. */
  readonly conflicting: boolean;
  /** Kept on physical standbys too; PostgreSQL 17 and newer. */
  readonly failover: boolean;
}

interface SlotRow {
  slot_name: string;
  plugin: string | null;
  slot_type: 'physical' | 'logical';
  database: string | null;
  temporary: boolean;
  active: boolean;
  active_pid: number | null;
  restart_lsn: string | null;
  confirmed_flush_lsn: string | null;
  wal_status: SlotState['walStatus'];
  safe_wal_size: string | null;
  retained: string | null;
  behind: string | null;
  invalidation_reason: string | null;
  conflicting: boolean | null;
  failover: boolean | null;
}

/** `<slot>_replay`; SLOT_NAME leaves room for it within PostgreSQL's 63 characters. */
export function replaySlotName(slotName: string): string {
  return `${slotName}_replay`;
}

/** The position WAL is measured against; a standby has no current one of its own. */
export const CURRENT_LSN = `(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)`;

/**
 * The slot, null when there is none.
 * Columns newer than the server are read through to_jsonb: naming them would be an error on an older one.
 */
export async function readSlot(knex: Knex, slotName: string): Promise<SlotState | null> {
  const [row] = await rowsOf<SlotRow>(
    knex,
    'reading the replication slot',
    `SELECT s.slot_name::text, s.plugin::text, s.slot_type, s.database::text, s.temporary, s.active, s.active_pid,
      s.restart_lsn::text, s.confirmed_flush_lsn::text, s.wal_status, s.safe_wal_size::text,
      pg_wal_lsn_diff(${CURRENT_LSN}, s.restart_lsn)::bigint::text AS retained,
      pg_wal_lsn_diff(${CURRENT_LSN}, s.confirmed_flush_lsn)::bigint::text AS behind,
      to_jsonb(s) ->> 'invalidation_reason' AS invalidation_reason,
      (to_jsonb(s) ->> 'conflicting')::boolean AS conflicting,
      (to_jsonb(s) ->> 'failover')::boolean AS failover
    FROM pg_replication_slots s WHERE s.slot_name = ?`,
    [slotName],
  );
  return row === undefined ? null : slotFromRow(row);
}

function slotFromRow(row: SlotRow): SlotState {
  return {
    slotName: row.slot_name,
    plugin: row.plugin,
    slotType: row.slot_type,
    database: row.database,
    temporary: row.temporary,
    active: row.active,
    activePid: row.active_pid,
    restartLsn: row.restart_lsn === null ? null : parseLsn(row.restart_lsn),
    confirmedFlushLsn: row.confirmed_flush_lsn === null ? null : parseLsn(row.confirmed_flush_lsn),
    walStatus: row.wal_status,
    safeWalBytes: bigintOrNull(row.safe_wal_size),
    retainedBytes: bigintOrNull(row.retained),
    behindBytes: bigintOrNull(row.behind),
    invalidationReason: row.invalidation_reason,
    conflicting: row.conflicting ?? false,
    failover: row.failover ?? false,
  };
}

function bigintOrNull(text: string | null): bigint | null {
  return text === null ? null : BigInt(text);
}

/** The slot can never stream again: its WAL or catalog rows are gone. */
export function isInvalidated(slot: SlotState): boolean {
  return slot.walStatus === 'lost' || slot.conflicting || slot.invalidationReason !== null;
}

export interface CreateSlotOptions {
  /** Keep the slot on physical standbys too, where the server can (17 and newer). Default true. */
  readonly failover?: boolean;
}

/**
 * Makes a logical slot for pgoutput and returns its start: every transaction that commits after it is streamed.
 * Waits for transactions that were open when it began. The publication must exist before.
 * @throws ConnectorError DATABASE_BUSY when they do not end within the statement timeout
 */
export async function createSlot(
  knex: Knex,
  slotName: string,
  options: CreateSlotOptions = {},
): Promise<Lsn> {
  const { version } = await rowOf<{ version: number }>(knex, 'reading the version', VERSION_SQL);
  const failover = (options.failover ?? true) && version >= FAILOVER_SINCE ? ', failover => true' : '';
  const { lsn } = await rowOf<{ lsn: string }>(
    knex,
    'creating the replication slot',
    `SELECT lsn::text FROM pg_create_logical_replication_slot(?, 'pgoutput'${failover})`,
    [slotName],
  );
  return parseLsn(lsn);
}

const VERSION_SQL = `SELECT current_setting('server_version_num')::int AS version`;
/** pg_create_logical_replication_slot takes `failover` since 17. */
export const FAILOVER_SINCE = 170_000;

export async function dropSlot(knex: Knex, slotName: string): Promise<void> {
  await rowsOf(knex, 'dropping the replication slot', `SELECT pg_drop_replication_slot(?)`, [slotName]);
}
