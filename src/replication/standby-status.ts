import type { Lsn } from '../postgres/lsn.js';

/** Milliseconds from 1970 to 2000, where PostgreSQL's clock begins. */
const EPOCH_2000_MS = 946_684_800_000;

export interface StandbyStatus {
  /** The end of everything that was read from the connection. */
  readonly received: Lsn;
  /** The server may forget everything up to exactly here. */
  readonly confirmed: Lsn;
  readonly nowMs: number;
  /** The server answers at once. */
  readonly askReply: boolean;
}

/**
 * A standby status update: what was received as written, what may be forgotten as flushed and applied. So the server's
 * `pg_stat_replication` tells a stream that does not read (`write_lag`) from one whose events are held up (`flush_lag`).
 * @see https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-STANDBY-STATUS-UPDATE
 */
export function standbyStatus({ received, confirmed, nowMs, askReply }: StandbyStatus): Buffer {
  const message = Buffer.alloc(34);
  message.write('r', 'latin1');
  message.writeBigUInt64BE(received, 1);
  message.writeBigUInt64BE(confirmed, 9);
  message.writeBigUInt64BE(confirmed, 17);
  message.writeBigInt64BE(BigInt(Math.round((nowMs - EPOCH_2000_MS) * 1_000)), 25);
  message.writeUInt8(askReply ? 1 : 0, 33);
  return message;
}
