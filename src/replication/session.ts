import { randomBytes } from 'node:crypto';

import type pg from 'pg';

import { ConnectorError } from '../errors/connector-error.js';
import { parseLsn, type Lsn } from '../postgres/lsn.js';

/**
 * How values are printed, fixed whatever the role, database or URL says: text is parsed on the other side. The URL may
 * carry an `options` parameter that overrides ours, so they are set by statement and not only when connecting.
 */
const SESSION_SETTINGS = [
  `SET TimeZone = 'UTC'`,
  `SET DateStyle = 'ISO'`,
  `SET IntervalStyle = 'postgres'`,
  `SET extra_float_digits = 3`,
  `SET bytea_output = 'hex'`,
  `SET client_encoding = 'UTF8'`,
  `SET statement_timeout = 0`,
].join('; ');

export interface ReplicationSession {
  /** The slot to stream: the one asked for, or its temporary copy. */
  readonly slotName: string;
  /** The first position that may be repeated to the server: it must never hear a lower one, let alone zero. */
  readonly confirmedFlushLsn: Lsn;
  /** As it applies to this very session; a role or database may have its own. */
  readonly walSenderTimeoutMs: number;
}

interface SlotRow {
  readonly slot_name: string | null;
  readonly usable: boolean | null;
  readonly active_pid: number | null;
  readonly holder: string | null;
  readonly confirmed_flush_lsn: string | null;
  readonly wal_status: string | null;
  readonly published: boolean;
  readonly wal_sender_timeout: string;
}

export interface SessionNames {
  readonly slotName: string;
  readonly publicationName: string;
  readonly applicationName: string;
  /** Make a temporary copy of the slot and stream that. */
  readonly copy: boolean;
}

/**
 * Prepares the walsender's session and looks at the slot through it. A slot that somebody holds is refused here rather
 * than by START_REPLICATION, since its position would be out of date by the time it is released.
 * @throws ConnectorError SLOT_MISSING, SLOT_ACTIVE, SLOT_LOST, SLOT_UNUSABLE, PUBLICATION_MISSING
 */
export async function openSession(client: pg.Client, names: SessionNames): Promise<ReplicationSession> {
  const { slotName, publicationName } = names;
  await client.query(
    `${SESSION_SETTINGS}; SET application_name = ${client.escapeLiteral(names.applicationName)}`,
  );
  // A walsender takes statements without parameters only.
  const { rows } = await client.query<SlotRow>(
    `SELECT s.slot_name, s.slot_type = 'logical' AND s.plugin = 'pgoutput' AND s.database = current_database() AS usable,
            s.active_pid, (SELECT application_name FROM pg_stat_activity WHERE pid = s.active_pid) AS holder, s.confirmed_flush_lsn, s.wal_status,
            EXISTS (SELECT FROM pg_publication WHERE pubname = ${client.escapeLiteral(publicationName)}) AS published,
            (SELECT setting FROM pg_settings WHERE name = 'wal_sender_timeout') AS wal_sender_timeout
     FROM (VALUES (1)) one LEFT JOIN pg_replication_slots s ON s.slot_name = ${client.escapeLiteral(slotName)}`,
  );
  const [row] = rows;
  const facts = { slot: slotName };
  if (row === undefined || row.slot_name === null) {
    throw new ConnectorError('SLOT_MISSING', `there is no replication slot ${slotName}`, { facts });
  }
  if (row.usable !== true) {
    throw new ConnectorError('SLOT_UNUSABLE', `replication slot ${slotName} is of another kind`, { facts });
  }
  if (row.wal_status === 'lost') {
    throw new ConnectorError('SLOT_LOST', `replication slot ${slotName} was invalidated`, { facts });
  }
  if (row.active_pid !== null && !names.copy) {
    throw new ConnectorError('SLOT_ACTIVE', `replication slot ${slotName} is in use`, {
      // Somebody's pg_recvlogical is found by its name; a stand-by's partner has ours.
      facts: { ...facts, activePid: row.active_pid, holder: row.holder },
    });
  }
  if (!row.published) {
    throw new ConnectorError('PUBLICATION_MISSING', `there is no publication ${publicationName}`, {
      facts: { publication: publicationName },
    });
  }
  if (row.confirmed_flush_lsn === null) {
    throw new ConnectorError('SLOT_ACTIVE', `replication slot ${slotName} is still being made`, { facts });
  }
  const walSenderTimeoutMs = Number(row.wal_sender_timeout);
  if (names.copy) return { ...(await copySlot(client, slotName)), walSenderTimeoutMs };
  return { slotName, confirmedFlushLsn: parseLsn(row.confirmed_flush_lsn), walSenderTimeoutMs };
}

/**
 * A temporary slot belongs to its session: no crash of ours can leave it behind to hold the server's WAL.
 * @see https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION
 */
async function copySlot(
  client: pg.Client,
  slotName: string,
): Promise<{ slotName: string; confirmedFlushLsn: Lsn }> {
  const copy = `segment_copy_${randomBytes(8).toString('hex')}`;
  const { rows } = await client.query<{ lsn: string | null }>(
    `SELECT c.lsn FROM pg_copy_logical_replication_slot(${client.escapeLiteral(slotName)}, '${copy}', true) c`,
  );
  const position = rows[0]?.lsn;
  if (position == null) {
    throw new ConnectorError('SLOT_LOST', `replication slot ${slotName} could not be copied`, {
      facts: { slot: slotName },
    });
  }
  return { slotName: copy, confirmedFlushLsn: parseLsn(position) };
}
