import type { Lsn } from '../postgres/lsn.js';
import type { CustomOccurrence } from '../records/custom-occurrence.js';
import type { StreamedRow, TableName } from '../records/tables.js';

/** A row as the stream carries it: every column of the source table that is read; see `StreamedRow` for `undefined`. */
export type SourceRow = Readonly<Record<string, string | null | undefined>>;

/** One row changed inside a transaction, in the names of the database it comes from. `row` and `old` as in `ChangeOf`. */
export type SourceChange =
  | { readonly op: 'insert'; readonly table: string; readonly row: SourceRow; readonly old: null }
  | { readonly op: 'update'; readonly table: string; readonly row: SourceRow; readonly old: SourceRow | null }
  | { readonly op: 'delete'; readonly table: string; readonly row: null; readonly old: SourceRow };

/** One changed row of a canonical record: the columns of `records/tables.ts`. */
export type Change = { [T in TableName]: ChangeOf<T> }[TableName];

/** A changed row that a custom event was declared on. */
export interface Occurrence {
  readonly op: 'occur';
  readonly table: 'custom';
  readonly row: CustomOccurrence;
  readonly old: null;
}

/**
 * - insert: `row` is whole, `old` null.
 * - update: `row` is the new row; unchanged TOAST values are `undefined`. `old` is the whole previous row for tables
 *   with REPLICA IDENTITY FULL, the previous key when the key changed, otherwise null.
 * - delete: `row` null; `old` is the whole row (FULL) or the key alone.
 */
export type ChangeOf<T extends TableName> =
  | { readonly op: 'insert'; readonly table: T; readonly row: StreamedRow<T>; readonly old: null }
  | {
      readonly op: 'update';
      readonly table: T;
      readonly row: StreamedRow<T>;
      readonly old: StreamedRow<T> | null;
    }
  | { readonly op: 'delete'; readonly table: T; readonly row: null; readonly old: StreamedRow<T> };

/**
 * One committed database transaction, in commit order. Its rows are held as raw wire bytes (spilled to disk past the
 * budget) and decoded anew on each walk, so a million rows cost no more memory than a thousand.
 */
export interface Transaction {
  readonly xid: number;
  /** Where the commit record starts. Unique per transaction. */
  readonly commitLsn: Lsn;
  /** Where the commit record ends: confirming exactly this position confirms the transaction and nothing after it. */
  readonly endLsn: Lsn;
  /** Microseconds since 1970-01-01 UTC, from the server's clock (safe integer until the year 2255). */
  readonly commitTimeUs: number;
  /** When the commit message arrived here, milliseconds since 1970. */
  readonly receivedAtMs: number;
  readonly rowCount: number;
  readonly byteLength: number;
  /**
   * Calls `visit` for every change of a mapped table in the order they were made; may be called again. Returns nothing
   * when all was in memory, or a promise where a spill file is read (the event loop gets its turn between blocks).
   * @throws ConnectorError SCHEMA_DRIFT when a mapped column is no longer sent; WAL_DECODE when the bytes are not pgoutput.
   */
  forEachChange(visit: (change: SourceChange) => void): void | Promise<void>;
  /** Frees the memory and the spill file. The transaction may not be walked afterwards. */
  release(): void;
}

/** A transaction in terms of the canonical records: what events are derived from. */
export interface CanonicalTransaction extends Pick<Transaction, 'endLsn' | 'commitTimeUs' | 'rowCount'> {
  /** As `Transaction.forEachChange`. */
  forEachChange(visit: (change: Change | Occurrence) => void): void | Promise<void>;
}
