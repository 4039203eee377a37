import { Memo } from './memo.js';

/** Zones change their offset on the quarter hour, so one look at a quarter hour's start serves all of it. */
const BUCKET_MS = 900_000;
const ZONES = 1000;
const BUCKETS_PER_ZONE = 2048;
const MS_A_DAY = 86_400_000;
const OFFSET = /^GMT(?:([+-])([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?)?$/;

interface Zone {
  readonly format: Intl.DateTimeFormat;
  readonly offsets: Memo<number, number>;
}

const UNKNOWN = Symbol('unknown zone');
const zones = new Memo<string, Zone | typeof UNKNOWN>(ZONES);

function open(name: string): Zone | typeof UNKNOWN {
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
    return { format, offsets: new Memo(BUCKETS_PER_ZONE) };
  } catch (error) {
    // PostgreSQL knows zone names that Intl does not (POSIX ones); the caller has another zone to fall back to.
    if (error instanceof RangeError) return UNKNOWN;
    throw error;
  }
}

function zoneOf(name: string): Zone {
  const zone = zones.of(name, open);
  if (zone !== UNKNOWN) return zone;
  return zones.of('UTC', open) as Zone;
}

export function isKnownZone(name: string): boolean {
  return zones.of(name, open) !== UNKNOWN;
}

/** Milliseconds that the zone's clocks are ahead of UTC at that moment. */
export function offsetMs(zoneName: string, ms: number): number {
  const { format, offsets } = zoneOf(zoneName);
  return offsets.of(Math.floor(ms / BUCKET_MS), (bucket) => {
    const parts = format.formatToParts(bucket * BUCKET_MS);
    const match = OFFSET.exec(parts.find((part) => part.type === 'timeZoneName')?.value ?? '');
    if (match?.[1] === undefined) return 0;
    const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
    return (match[1] === '-' ? -seconds : seconds) * 1000;
  });
}

/**
 * The moment at which the zone's clocks show `localMs` (written as though it were UTC). Where they skip it or show it
 * twice it is read in standard time, as PostgreSQL's AT TIME ZONE does.
 * @see https://www.postgresql.org/docs/current/datetime-invalid-input.html
 */
export function momentOfLocal(zoneName: string, localMs: number): number {
  const before = offsetMs(zoneName, localMs - MS_A_DAY);
  const after = offsetMs(zoneName, localMs + MS_A_DAY);
  if (before === after) return localMs - before;
  const early = localMs - before;
  const late = localMs - after;
  if (offsetMs(zoneName, late) === after) return late;
  return early;
}

/** For instance `2026-11-20T14:02:11-05:00`. Pure arithmetic on the zone's offset: Intl formatting costs 20 times as much. */
export function localTime(zoneName: string, ms: number): string {
  const offset = offsetMs(zoneName, ms);
  const minutes = Math.abs(Math.trunc(offset / 60_000));
  const sign = offset < 0 ? '-' : '+';
  return `${new Date(ms + offset).toISOString().slice(0, 19)}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** The zone's date at that moment as `20261120`. */
export function localDate(zoneName: string, ms: number): string {
  return new Date(ms + offsetMs(zoneName, ms)).toISOString().slice(0, 10).replaceAll('-', '');
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
