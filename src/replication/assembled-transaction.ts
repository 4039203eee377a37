import { setImmediate as turn } from 'node:timers/promises';
import type { SourceChange, Transaction } from '../changes/transaction.js';
import type { Lsn } from '../postgres/lsn.js';
import { notPgoutput } from './bytes.js';
import type { PgoutputDecoder } from './pgoutput.js';
import type { RelationRegistry } from './relations.js';
import type { SpillFile } from './spill.js';

/** A stretch of held rows: `[u32 length][u32 relation version][row message]`, over and over. */
export interface Segment {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Bytes before each held row message. */
export const ROW_HEADER_BYTES = 8;

/** Held rows are walked at once up to this many segments, a megabyte or so: some tens of milliseconds. */
const SEGMENTS_AT_ONCE = 4;

/** What an entry costs beside its rows, so that a flood of empty transactions is held back too. */
const TRANSACTION_OVERHEAD_BYTES = 1_024;

export interface AssembledTransactionOptions {
  readonly xid: number;
  readonly commitLsn: Lsn;
  readonly endLsn: Lsn;
  readonly commitTimeUs: number;
  readonly receivedAtMs: number;
  readonly rowCount: number;
  readonly byteLength: number;
  readonly segments: readonly Segment[];
  /** The part that came before `segments`, when memory did not suffice. */
  readonly spill: SpillFile | null;
  readonly registry: RelationRegistry;
  readonly decoder: PgoutputDecoder;
  /** Runs once, when the memory is given back. */
  readonly onRelease: (transaction: AssembledTransaction) => void;
}

/** A committed transaction as raw rows; see `Transaction` for what a walk promises. */
export class AssembledTransaction implements Transaction {
  readonly xid: number;
  readonly commitLsn: Lsn;
  readonly endLsn: Lsn;
  readonly commitTimeUs: number;
  readonly receivedAtMs: number;
  readonly rowCount: number;
  readonly byteLength: number;
  /** What it holds of the process's memory until it is released. */
  readonly memoryBytes: number;
  readonly #spill: SpillFile | null;
  readonly #registry: RelationRegistry;
  readonly #decoder: PgoutputDecoder;
  readonly #onRelease: (transaction: AssembledTransaction) => void;
  #segments: readonly Segment[] | null;

  constructor(options: AssembledTransactionOptions) {
    this.xid = options.xid;
    this.commitLsn = options.commitLsn;
    this.endLsn = options.endLsn;
    this.commitTimeUs = options.commitTimeUs;
    this.receivedAtMs = options.receivedAtMs;
    this.rowCount = options.rowCount;
    this.byteLength = options.byteLength;
    this.memoryBytes =
      TRANSACTION_OVERHEAD_BYTES +
      options.byteLength -
      (options.spill === null ? 0 : options.spill.byteLength);
    this.#spill = options.spill;
    this.#registry = options.registry;
    this.#decoder = options.decoder;
    this.#onRelease = options.onRelease;
    this.#segments = options.segments;
  }

  get spilled(): boolean {
    return this.#spill !== null;
  }

  forEachChange(visit: (change: SourceChange) => void): void | Promise<void> {
    const segments = this.#held();
    if (this.#spill !== null) return this.#walkSpilled(this.#spill, visit);
    if (segments.length > SEGMENTS_AT_ONCE) return this.#walkInTurns(visit);
    for (const segment of segments) this.#walk(segment.bytes, segment.start, segment.end, visit);
  }

  release(): void {
    if (this.#segments === null) return;
    this.#segments = null;
    this.#onRelease(this);
    this.#spill?.release();
  }

  async #walkSpilled(spill: SpillFile, visit: (change: SourceChange) => void): Promise<void> {
    for await (const block of spill.blocks()) this.#walk(block, 0, block.length, visit);
    await this.#walkInTurns(visit);
  }

  /** Statuses, probes and delivery have their turn between two segments: tens of megabytes at once take a second and more. */
  async #walkInTurns(visit: (change: SourceChange) => void): Promise<void> {
    for (const segment of this.#held()) {
      this.#walk(segment.bytes, segment.start, segment.end, visit);
      await turn();
    }
  }

  #walk(bytes: Buffer, start: number, end: number, visit: (change: SourceChange) => void): void {
    const decoder = this.#decoder;
    const registry = this.#registry;
    for (let at = start; at < end;) {
      if (at + ROW_HEADER_BYTES > end) notPgoutput('a held row was cut short', at);
      const from = at + ROW_HEADER_BYTES;
      const to = from + bytes.readUInt32LE(at);
      if (to > end) notPgoutput('a held row was cut short', at);
      visit(decoder.change(registry.at(bytes.readUInt32LE(at + 4)), bytes, from, to));
      at = to;
    }
  }

  #held(): readonly Segment[] {
    if (this.#segments === null) throw new Error('the transaction was released');
    return this.#segments;
  }
}
