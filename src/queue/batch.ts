import type { Derived, DerivedEvent } from '../events/event.js';
import { formatLsn, type Lsn } from '../postgres/lsn.js';
import { formatCallLine, MAX_JOB_CALLS, MAX_JOB_JSON_BYTES, type QueuedCall } from './job.js';
import type { Mark } from './mark.js';
import type { Settlement } from './settlement.js';
import type { OfferedTransaction } from './sink.js';

/** A job being filled, and the calls between its own that are not queued, as nothing may be sent of their guests. */
export interface Batch {
  readonly lines: string[];
  readonly passedOver: QueuedCall[];
  jsonBytes: number;
  readonly first: Lsn;
  last: Mark;
  receivedAtMs: number;
  /** When its first call was buffered. */
  readonly bufferedAtMs: number;
  /** Whose calls it holds, and how many of each. */
  readonly shares: { readonly settlement: Settlement; calls: number }[];
}

/** Where a call comes from, as far as the queue cares. */
export interface CallOrigin {
  readonly endLsn: Lsn;
  readonly slice: number;
  readonly positionText: string;
  readonly commitTimeMs: number;
  readonly receivedAtMs: number;
  readonly settlement: Settlement;
}

/** The calls of one lane on their way into jobs, in order: full batches and the one being filled. */
export class BatchBuffer {
  #full: Batch[] = [];
  #open: Batch | null = null;

  get hasFull(): boolean {
    return this.#full.length > 0;
  }

  get isEmpty(): boolean {
    return this.#full.length === 0 && this.#open === null;
  }

  /** When the oldest call of the batch being filled came; null without one. */
  get openSinceMs(): number | null {
    return this.#open?.bufferedAtMs ?? null;
  }

  /** Returns the bytes of its JSON. */
  push(event: DerivedEvent, origin: CallOrigin, nowMs: number): number {
    return this.#take(event, origin, nowMs, (batch, call) => batch.lines.push(formatCallLine(call)));
  }

  /** The call's place is kept, the call is not queued. Returns the bytes of its JSON. */
  passOver(event: Derived, origin: CallOrigin, nowMs: number): number {
    return this.#take(event, origin, nowMs, (batch, call) => batch.passedOver.push(call));
  }

  #take(
    event: Derived,
    origin: CallOrigin,
    nowMs: number,
    into: (batch: Batch, call: QueuedCall) => void,
  ): number {
    const bytes = Buffer.byteLength(event.json);
    let open = this.#open;
    if (
      open !== null &&
      (open.lines.length + open.passedOver.length >= MAX_JOB_CALLS ||
        open.jsonBytes + bytes > MAX_JOB_JSON_BYTES)
    ) {
      this.#full.push(open);
      open = null;
    }
    const mark = { endLsn: origin.endLsn, slice: origin.slice, rank: event.rank };
    open ??= {
      lines: [],
      passedOver: [],
      jsonBytes: 0,
      first: origin.endLsn,
      last: mark,
      receivedAtMs: origin.receivedAtMs,
      bufferedAtMs: nowMs,
      shares: [],
    };
    this.#open = open;
    into(open, {
      accountKey: event.accountKey,
      guestId: event.guestId,
      commitTimeMs: origin.commitTimeMs,
      position: origin.positionText,
      name: event.name,
      messageId: event.messageId,
      json: event.json,
    });
    open.jsonBytes += bytes;
    open.last = mark;
    open.receivedAtMs = Math.min(open.receivedAtMs, origin.receivedAtMs);
    const share = open.shares.at(-1);
    if (share?.settlement === origin.settlement) share.calls += 1;
    else open.shares.push({ settlement: origin.settlement, calls: 1 });
    return bytes;
  }

  /** The next batch, full or not; null when there is none. */
  take(): Batch | null {
    const full = this.#full.shift();
    if (full !== undefined) return full;
    const open = this.#open;
    this.#open = null;
    return open;
  }

  /** All batches; none is left. */
  drain(): readonly Batch[] {
    const batches = this.#open === null ? this.#full : [...this.#full, this.#open];
    this.#full = [];
    this.#open = null;
    return batches;
  }
}

export function originOf(
  offered: Pick<OfferedTransaction, 'endLsn' | 'slice' | 'commitTimeUs' | 'receivedAtMs'>,
  settlement: Settlement,
): CallOrigin {
  return {
    endLsn: offered.endLsn,
    slice: offered.slice ?? 0,
    positionText: formatLsn(offered.endLsn),
    commitTimeMs: Math.floor(offered.commitTimeUs / 1_000),
    receivedAtMs: offered.receivedAtMs,
    settlement,
  };
}
