import { isUtf8 } from 'node:buffer';

import { ConnectorError } from '../errors/connector-error.js';
import { lsnFromHalves, type Lsn } from '../postgres/lsn.js';

/** Microseconds between 1970-01-01, our epoch, and 2000-01-01, PostgreSQL's. */
const POSTGRES_EPOCH_US = 946_684_800_000_000;

/** @returns never: the stream cannot be trusted past bytes it should not hold. The bytes themselves stay unnamed. */
export function notPgoutput(what: string, at: number): never {
  throw new ConnectorError('WAL_DECODE', `not a pgoutput message: ${what}`, { facts: { offset: at } });
}

/** What decoding puts in the place of bytes that are not UTF-8. */
const REPLACEMENT = '\uFFFD';
const NUL = '\0';

/**
 * The text of `bytes[start, end)`. PostgreSQL sends valid UTF-8 without zero bytes whatever its own encoding, so anything else
 * is damage, and a decoder that mends it would hand on another value than was stored.
 */
export function utf8(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end);
  // Looked at again only where it may be wrong: the character may stand in the text itself.
  if (text.includes(REPLACEMENT) && !isUtf8(bytes.subarray(start, end)))
    notPgoutput('a text that is not UTF-8', start);
  if (text.includes(NUL)) notPgoutput('a zero byte within a text', start);
  return text;
}

/**
 * A cursor over one message. Every read is checked against the message's end, so truncated or foreign bytes raise
 * WAL_DECODE and never become a value. One instance is set anew for each message: allocating one per row shows in a profile.
 */
export class ByteReader {
  #bytes: Buffer = Buffer.alloc(0);
  #end = 0;
  position = 0;

  /** Reads from `bytes[start, end)` from now on. */
  over(bytes: Buffer, start: number, end: number): this {
    if (start < 0 || end > bytes.length || start > end) notPgoutput('bounds outside the buffer', start);
    this.#bytes = bytes;
    this.position = start;
    this.#end = end;
    return this;
  }

  /** Moves past `length` bytes and gives where they start. */
  take(length: number): number {
    const start = this.position;
    this.need(length);
    this.position = start + length;
    return start;
  }

  /** There must be `length` bytes more: asked before room is made for what a count claims. */
  need(length: number): void {
    if (this.position + length > this.#end) notPgoutput('it ends too early', this.position);
  }

  u8(): number {
    const start = this.take(1);
    return this.#bytes[start] as number;
  }

  u16(): number {
    const start = this.take(2);
    const bytes = this.#bytes;
    return ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  }

  u32(): number {
    const start = this.take(4);
    const bytes = this.#bytes;
    // The top byte is multiplied, not shifted: a shift would make values past 2^31 negative.
    return (
      (bytes[start] as number) * 0x1000000 +
      (((bytes[start + 1] as number) << 16) |
        ((bytes[start + 2] as number) << 8) |
        (bytes[start + 3] as number))
    );
  }

  lsn(): Lsn {
    const upper = this.u32();
    return lsnFromHalves(upper, this.u32());
  }

  /** A server timestamp as microseconds since 1970, exact up to the year 2255. */
  timestampUs(): number {
    const start = this.take(8);
    const us = Number(this.#bytes.readBigInt64BE(start)) + POSTGRES_EPOCH_US;
    if (!Number.isSafeInteger(us)) notPgoutput('a timestamp out of range', start);
    return us;
  }

  /** A text that ends in a zero byte. */
  cstring(): string {
    const start = this.position;
    const zero = this.#bytes.indexOf(0, start);
    if (zero === -1 || zero >= this.#end) notPgoutput('a name without an end', start);
    this.position = zero + 1;
    return utf8(this.#bytes, start, zero);
  }

  /** The message must be used up: left-over bytes mean that its structure was misread. */
  finish(): void {
    if (this.position !== this.#end) notPgoutput('bytes after its end', this.position);
  }
}
