import { failpoint } from '../lifecycle/failpoint.js';
import type { SourceTables } from '../mapping/mapping.js';
import {
  AssembledTransaction,
  ROW_HEADER_BYTES,
  type AssembledTransactionOptions,
  type Segment,
} from './assembled-transaction.js';
import { ZERO_LSN, type Lsn } from '../postgres/lsn.js';
import { notPgoutput } from './bytes.js';
import { MESSAGE, PgoutputDecoder } from './pgoutput.js';
import { RelationRegistry } from './relations.js';
import { SpillFile, type SpillDirectory } from './spill.js';

export interface AssemblerObserver {
  /** TRUNCATE yields no change: caches of a truncated table heal as rows are seen again. */
  onTruncate?(relations: number): void;
  /** A transaction outgrew its memory budget and goes on in a file. */
  onSpill?(xid: number): void;
}

export interface AssemblerOptions {
  /** Tables whose rows are held, and the columns of each. Default: the reference schema's. */
  readonly tables?: SourceTables | undefined;
  readonly spill: SpillDirectory;
  /** Rows of one transaction kept in memory; past it they go to a file. Default 32 MiB. */
  readonly transactionMemoryBytes?: number | undefined;
  /** Rows are held in blocks of this size, shared by small transactions. Default 256 KiB. */
  readonly blockBytes?: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly observer?: AssemblerObserver;
  /** Runs once for each transaction, when its memory is given back. */
  readonly onRelease?: AssembledTransactionOptions['onRelease'];
}

interface Assembly {
  readonly xid: number;
  readonly commitLsn: Lsn;
  rowCount: number;
  byteLength: number;
  memoryBytes: number;
  segments: Segment[];
  spill: SpillFile | null;
}

/**
 * No WAL record is longer (XLogRecordMaxSize is 1020 MiB), page headers included. An end beyond would be confirmed, and the
 * server would forget what nobody has seen.
 */
const MAX_COMMIT_RECORD_BYTES = 2n ** 31n;

/**
 * Gathers the row messages of one transaction, as they came, until its COMMIT. Protocol version 1 sends transactions
 * whole and one after the other, so one is under assembly at most.
 *
 * Bytes are copied: node-postgres reuses its receive buffer. Rows of tables that are not mapped are dropped on arrival.
 */
export class Assembler {
  readonly registry: RelationRegistry;
  readonly #decoder = new PgoutputDecoder();
  readonly #spill: SpillDirectory;
  readonly #budget: number;
  readonly #blockBytes: number;
  readonly #now: () => number;
  readonly #observer: AssemblerObserver;
  readonly #onRelease: AssembledTransactionOptions['onRelease'];
  #assembly: Assembly | null = null;
  #block: Buffer;
  #used = 0;
  /** Where in `#block` the rows of the current transaction start. */
  #segmentStart = 0;
  /** End of the last transaction: they come in commit order. */
  #lastEnd: Lsn = ZERO_LSN;

  constructor(options: AssemblerOptions) {
    this.registry = new RelationRegistry(options.tables);
    this.#spill = options.spill;
    this.#budget = options.transactionMemoryBytes ?? 32 * 1_048_576;
    this.#blockBytes = options.blockBytes ?? 262_144;
    this.#now = options.now;
    this.#observer = options.observer ?? {};
    this.#onRelease = options.onRelease ?? (() => undefined);
    this.#block = Buffer.allocUnsafeSlow(this.#blockBytes);
  }

  /** Whether a BEGIN has come whose COMMIT has not. */
  get assembling(): boolean {
    return this.#assembly !== null;
  }

  /**
   * Takes one message. The buffer is the caller's again afterwards.
   * @returns the transaction when the message is its COMMIT.
   * @throws ConnectorError WAL_DECODE, SPILL_FAILED
   */
  accept(message: Buffer): AssembledTransaction | null {
    const type: number = message[0] ?? 0;
    switch (type) {
      case MESSAGE.insert:
      case MESSAGE.update:
      case MESSAGE.delete:
        this.#row(message);
        return null;
      case MESSAGE.begin:
        this.#begin(message);
        return null;
      case MESSAGE.commit:
        return this.#commit(message);
      case MESSAGE.relation:
        this.registry.accept(message);
        return null;
      case MESSAGE.truncate:
        this.#truncate(message);
        return null;
      case MESSAGE.origin:
      case MESSAGE.type:
      case MESSAGE.message:
        return null;
      default:
        return notPgoutput('an unknown message type', 0);
    }
  }

  /** Gives up the transaction under assembly: its COMMIT will not come on this connection. */
  discard(): void {
    const assembly = this.#assembly;
    this.#assembly = null;
    assembly?.spill?.release();
  }

  #begin(message: Buffer): void {
    if (this.#assembly !== null) notPgoutput('a BEGIN inside a transaction', 0);
    const { xid, commitLsn } = this.#decoder.begin(message);
    this.#assembly = {
      xid,
      commitLsn,
      rowCount: 0,
      byteLength: 0,
      memoryBytes: 0,
      segments: [],
      spill: null,
    };
    this.#segmentStart = this.#used;
  }

  #row(message: Buffer): void {
    const assembly = this.#assembly;
    if (assembly === null) return notPgoutput('a row outside a transaction', 0);
    const version = this.registry.current(this.#decoder.relationIdOf(message));
    if (version === undefined) return notPgoutput('a row of a relation that was not described', 1);
    if (version.table === null) return;
    const length = ROW_HEADER_BYTES + message.length;
    if (this.#used + length > this.#block.length) this.#nextBlock(assembly, length);
    const at = this.#used;
    this.#block.writeUInt32LE(message.length, at);
    this.#block.writeUInt32LE(version.index, at + 4);
    message.copy(this.#block, at + ROW_HEADER_BYTES);
    this.#used = at + length;
    assembly.rowCount += 1;
    assembly.byteLength += length;
    failpoint('row-decoded');
  }

  #truncate(message: Buffer): void {
    if (this.#assembly === null) notPgoutput('a TRUNCATE outside a transaction', 0);
    // Read whether or not somebody wants to know.
    const relations = this.#decoder.truncate(message);
    this.#observer.onTruncate?.(relations);
  }

  #commit(message: Buffer): AssembledTransaction {
    const assembly = this.#assembly;
    if (assembly === null) return notPgoutput('a COMMIT outside a transaction', 0);
    const { commitLsn, endLsn, commitTimeUs } = this.#decoder.commit(message);
    if (commitLsn !== assembly.commitLsn) notPgoutput('a COMMIT of another transaction than its BEGIN', 2);
    if (endLsn <= commitLsn || endLsn - commitLsn > MAX_COMMIT_RECORD_BYTES) {
      notPgoutput('a COMMIT that ends where it cannot', 10);
    }
    if (endLsn <= this.#lastEnd) notPgoutput('a COMMIT out of commit order', 10);
    this.#lastEnd = endLsn;
    this.#closeSegment(assembly);
    this.#assembly = null;
    return new AssembledTransaction({
      xid: assembly.xid,
      commitLsn,
      endLsn,
      commitTimeUs,
      receivedAtMs: this.#now(),
      rowCount: assembly.rowCount,
      byteLength: assembly.byteLength,
      segments: assembly.segments,
      spill: assembly.spill,
      registry: this.registry,
      decoder: this.#decoder,
      onRelease: this.#onRelease,
    });
  }

  #closeSegment(assembly: Assembly): void {
    if (this.#used === this.#segmentStart) return;
    assembly.segments.push({ bytes: this.#block, start: this.#segmentStart, end: this.#used });
    assembly.memoryBytes += this.#used - this.#segmentStart;
    this.#segmentStart = this.#used;
  }

  #nextBlock(assembly: Assembly, needed: number): void {
    const ownsBlock = this.#segmentStart === 0;
    this.#closeSegment(assembly);
    const spills = assembly.spill !== null || assembly.memoryBytes > this.#budget;
    if (spills) this.#spillSegments(assembly);
    // A block that held nothing but the rows just written to the file is free again.
    if (!(spills && ownsBlock && needed <= this.#block.length)) {
      this.#block = Buffer.allocUnsafeSlow(Math.max(this.#blockBytes, needed));
    }
    this.#used = 0;
    this.#segmentStart = 0;
  }

  #spillSegments(assembly: Assembly): void {
    if (assembly.spill === null) {
      assembly.spill = new SpillFile(this.#spill);
      this.#observer.onSpill?.(assembly.xid);
    }
    for (const segment of assembly.segments) assembly.spill.write(segment.bytes, segment.start, segment.end);
    assembly.segments = [];
    assembly.memoryBytes = 0;
    failpoint('transaction-spilled');
  }
}
