import { formatLsn, tryParseLsn, type Lsn } from '../postgres/lsn.js';

/** A place in the stream of commits as a person names it. */
export type AskedPosition =
  /** Exact: a commit belongs to what follows if its commit record begins at or after it. */
  | { readonly tag: 'lsn'; readonly lsn: Lsn }
  /** Microseconds since 1970; commits of that very microsecond belong to what follows. */
  | { readonly tag: 'time'; readonly timeUs: number }
  | { readonly tag: 'ago'; readonly agoUs: number };

export const POSITION_FORMS =
  'a WAL position (16/B374D848), a time with its zone (2026-07-01T10:00:00Z), or how long ago (90s, 20m, 2h, 3d)';

const US_PER_UNIT = { s: 1_000_000, m: 60_000_000, h: 3_600_000_000, d: 86_400_000_000 } as const;
const TIME_TEXT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)$/;

/** Null for text that is none of the forms. */
export function parsePosition(text: string): AskedPosition | null {
  const lsn = tryParseLsn(text);
  if (lsn !== null) return { tag: 'lsn', lsn };
  const ago = /^(\d{1,6})\s*([smhd])$/.exec(text);
  if (ago !== null) {
    return { tag: 'ago', agoUs: Number(ago[1]) * US_PER_UNIT[ago[2] as keyof typeof US_PER_UNIT] };
  }
  const time = TIME_TEXT.exec(text);
  if (time === null) return null;
  const ms = Date.parse(`${time[1]}T${time[2]}${time[4]}`);
  // Date knows milliseconds only; the server's commit times have microseconds.
  return Number.isFinite(ms)
    ? { tag: 'time', timeUs: ms * 1_000 + Number((time[3] ?? '').padEnd(6, '0')) }
    : null;
}

/** The same with `2h` counted back from the server's clock. */
export function resolvePosition(asked: AskedPosition, nowUs: number): Exclude<AskedPosition, { tag: 'ago' }> {
  return asked.tag === 'ago' ? { tag: 'time', timeUs: nowUs - asked.agoUs } : asked;
}

/** `2026-07-01T10:00:00.123456Z`: what `parsePosition` reads, to the microsecond. */
export function timeText(us: number): string {
  const seconds = Math.floor(us / 1_000_000);
  const rest = String(us - seconds * 1_000_000).padStart(6, '0');
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19)}.${rest}Z`;
}

/** `16/B374D848 (2026-07-01T10:00:00.123456Z)`, as far as it is known. */
export function pointText(lsn: Lsn, timeUs: number | null): string {
  return timeUs === null ? formatLsn(lsn) : `${formatLsn(lsn)} (${timeText(timeUs)})`;
}
