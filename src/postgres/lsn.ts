declare const lsnBrand: unique symbol;

/**
 * A position in PostgreSQL's write-ahead log: a 64-bit byte offset.
 * Compare as numbers, never as text: `'0/9…' > '0/10…'` as strings.
 * @see https://www.postgresql.org/docs/current/datatype-pg-lsn.html
 */
export type Lsn = bigint & { readonly [lsnBrand]: true };

export const ZERO_LSN = 0n as Lsn;

const LSN_TEXT = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** The position of a pg_lsn text such as `16/B374D848`, or null when it is not one. */
export function tryParseLsn(text: string): Lsn | null {
  const match = LSN_TEXT.exec(text);
  if (match === null) return null;
  return ((BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`)) as Lsn;
}

/** @throws RangeError when the text is not a pg_lsn; the server's own answers always are. */
export function parseLsn(text: string): Lsn {
  const lsn = tryParseLsn(text);
  if (lsn === null) throw new RangeError(`not a WAL position: ${JSON.stringify(text.slice(0, 40))}`);
  return lsn;
}

/** The text PostgreSQL prints for this position, for instance `16/B374D848`. */
export function formatLsn(lsn: Lsn): string {
  const upper = (lsn >> 32n).toString(16).toUpperCase();
  const lower = (lsn & 0xffffffffn).toString(16).toUpperCase();
  return `${upper}/${lower}`;
}

/** A position from the two big-endian halves of the wire format. */
export function lsnFromHalves(upper: number, lower: number): Lsn {
  return ((BigInt(upper) << 32n) | BigInt(lower)) as Lsn;
}

/** The position `bytes` before this one, never below zero. */
export function lsnBefore(lsn: Lsn, bytes: bigint): Lsn {
  return (lsn > bytes ? lsn - bytes : 0n) as Lsn;
}

export function laterLsn(a: Lsn, b: Lsn): Lsn {
  return a > b ? a : b;
}

export function earlierLsn(a: Lsn, b: Lsn): Lsn {
  return a < b ? a : b;
}
