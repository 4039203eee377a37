import type pg from 'pg';

import type { Clock } from '../lifecycle/clock.js';
import type { SourceTables } from '../mapping/mapping.js';
import type { Logger } from '../observability/logger.js';
import type { Lsn } from '../postgres/lsn.js';
import type { AssemblerObserver } from './assembler.js';

export interface WalStreamObserver extends AssemblerObserver {
  /**
   * The server has sent everything up to `walEnd`. It may be confirmed, exactly as it is, only while `assembling` is
   * false and no transaction taken earlier is unsettled. A confirmation made inside the call is part of the reply.
   */
  onKeepalive?(walEnd: Lsn, replyRequested: boolean): void;
  /** Reading stopped because too much is held, or goes on. */
  onBackpressure?(paused: boolean): void;
  /** A status with this position was sent. */
  onStatus?(confirmed: Lsn): void;
}

export interface WalStreamOptions {
  /** How to connect; `replication` and the session's settings are added. */
  readonly connection: pg.ClientConfig;
  readonly slotName: string;
  readonly publicationName: string;
  /**
   * Stream a temporary copy of the slot, from this position on (null: from where the slot stands). The slot itself may be
   * in use and stays where it is; the copy ends with the connection, however that ends.
   */
  readonly temporaryCopy?: { readonly from: Lsn | null };
  /** Tables whose rows are decoded, and the columns of each; rows of others are dropped. Default: the reference schema's. */
  readonly tables?: SourceTables;
  /** Where transactions past their memory budget go. Made when missing. */
  readonly spillDir: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly observer?: WalStreamObserver;
  /** Shown in pg_stat_replication. Default: that of `connection`, else `paytronix-segment`. */
  readonly applicationName?: string;
  /** Memory one transaction may take while it arrives. Default 32 MiB. */
  readonly transactionMemoryBytes?: number;
  /** Committed transactions held in memory (waiting, or taken and not released) before reading pauses. Default 64 MiB. */
  readonly maxBufferedBytes?: number;
  /** Most transactions that one `next()` gives. Default 1,000. */
  readonly maxGulpTransactions?: number;
  /** Most bytes that one `next()` gives (but at least one transaction). Default 4 MiB. */
  readonly maxGulpBytes?: number;
  /** Milliseconds, 0 = disabled. Default: what the server says for this session. */
  readonly walSenderTimeoutMs?: number;
  /** How long `stop` waits for the server to end the stream in good order. Default 2,000. */
  readonly stopGraceMs?: number;
}
