import type { Knex } from 'knex';
import { readCheckpoint } from '../postgres/checkpoint-store.js';
import { readGaps, type Gap } from '../postgres/gap-store.js';
import { parseLsn, type Lsn } from '../postgres/lsn.js';
import { rowOf } from '../postgres/query.js';
import { CURRENT_LSN, readSlot, replaySlotName, type SlotState } from '../postgres/slot.js';
import { readSources, type SourceState } from '../postgres/source-store.js';
import { countKept } from '../postgres/suppressed-guests.js';
import { deliveredFromJson } from '../replay/delivered-state.js';
import { oldestTransaction, type LongTransaction } from '../replay/long-transaction.js';

/** What PostgreSQL says of the connector, whether or not one runs. */
export interface DatabaseStatus {
  readonly server: {
    /** For instance `18.4`. */
    readonly version: string;
    readonly database: string;
    /** A standby: nothing is captured from it. */
    readonly inRecovery: boolean;
    /** Where the WAL stands now. */
    readonly walLsn: Lsn;
    /** The server's clock, milliseconds since 1970. */
    readonly nowMs: number;
  };
  readonly slotName: string;
  readonly slot: SlotState | null;
  readonly replaySlot: SlotState | null;
  /** Null: `setup` has not been run. */
  readonly checkpoint: CheckpointStatus | null;
  /** Stretches of the stream that may not have been sent. */
  readonly openGaps: readonly Gap[];
  readonly suppressedGuests: number;
  /** Where each source takes part in the stream. */
  readonly sources: readonly SourceState[];
  /** The oldest open transaction that has written something. */
  readonly transaction: LongTransaction | null;
}

export interface CheckpointStatus {
  readonly endLsn: Lsn;
  /** Of the last transaction up to there, milliseconds since 1970; null: none yet. */
  readonly commitTimeMs: number | null;
  /** Everything up to here is delivered; null: nothing is known. */
  readonly deliveredLsn: Lsn | null;
}

interface ServerRow {
  readonly version: string;
  readonly database: string;
  readonly recovering: boolean;
  readonly lsn: string;
  readonly now_ms: string;
  readonly set_up: boolean;
  readonly has_sources: boolean;
}

/** @throws ConnectorError DATABASE_… */
export async function readDatabaseStatus(knex: Knex, slotName: string): Promise<DatabaseStatus> {
  const row = await rowOf<ServerRow>(
    knex,
    'reading the server state',
    `SELECT split_part(current_setting('server_version'), ' ', 1) AS version, current_database()::text AS database,
      pg_is_in_recovery() AS recovering, ${CURRENT_LSN}::text AS lsn,
      (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text AS now_ms,
      to_regclass('segment_connector.checkpoint') IS NOT NULL AS set_up,
      to_regclass('segment_connector.source') IS NOT NULL AS has_sources`,
  );
  return {
    server: {
      version: row.version,
      database: row.database,
      inRecovery: row.recovering,
      walLsn: parseLsn(row.lsn),
      nowMs: Number(row.now_ms),
    },
    slotName,
    slot: await readSlot(knex, slotName),
    replaySlot: await readSlot(knex, replaySlotName(slotName)),
    checkpoint: row.set_up ? await checkpointStatus(knex, slotName) : null,
    openGaps: row.set_up
      ? (await readGaps(knex, slotName)).filter(({ closedAtUs }) => closedAtUs === null)
      : [],
    suppressedGuests: row.set_up ? await countKept(knex) : 0,
    sources: row.has_sources ? [...(await readSources(knex, slotName)).values()] : [],
    transaction: await oldestTransaction(knex),
  };
}

async function checkpointStatus(knex: Knex, slotName: string): Promise<CheckpointStatus | null> {
  const checkpoint = await readCheckpoint(knex, slotName);
  if (checkpoint === null) return null;
  const { endLsn, commitTimeUs } = checkpoint;
  return {
    endLsn,
    commitTimeMs: commitTimeUs === null ? null : Math.floor(commitTimeUs / 1_000),
    deliveredLsn: deliveredFromJson(checkpoint.delivered)?.floor ?? null,
  };
}
