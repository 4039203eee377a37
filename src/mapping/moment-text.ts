import { Memo } from '../records/memo.js';
import { isKnownZone, momentOfLocal } from '../records/zones.js';

/** Dates and timestamps as text in PostgreSQL's ISO style, to the microsecond. */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 86_400 * SECOND_MS;

/**
 * Times before are read with the offset that the zone has at this one, in both readings: what clocks showed earlier
 * differs between builds of the time zone data.
 */
export const FIRST_ZONED = '1970-01-01';
/** Times before this and from the year 10000 on become null: nothing downstream can write them, and SQL may overflow. */
export const EARLIEST_ZONED = '4713-01-01 BC';
export const END_ZONED = '10000-01-01';
const EARLIEST_MS = localMs(-4712, 1, 1);
const END_MS = localMs(10_000, 1, 1);

/**
 * Whether a zone's name means the same in PostgreSQL and here. Its abbreviations do not (`CET` is there without summer
 * time), nor its POSIX zones, whose signs are the other way round.
 */
export function isSharedZone(zone: string): boolean {
  return (
    (/^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)+$/.test(zone) || zone === 'UTC') && isKnownZone(zone)
  );
}

const LOCAL = /^([0-9]{4,7}-[0-9]{2}-[0-9]{2})(?: ([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,6})?)?( BC)?$/;

/** Rows that are streamed are mostly of a few days. */
const DAYS = 2048;
const daysMs = new Memo<string, number>(DAYS);
const dayTexts = new Memo<number, DayText>(DAYS);

/** timestamptz text of a date or a timestamp without time zone as PostgreSQL writes them; null: out of reach. */
export function zonedText(local: string, zone: string): string | null {
  if (local === 'infinity' || local === '-infinity') return local;
  const match = LOCAL.exec(local);
  if (match === null) return null;
  const [, day = '', hour = '0', minute = '0', second = '0', fraction = '', bc = ''] = match;
  const clockMs = (Number(hour) * 60 + Number(minute)) * MINUTE_MS + Number(second) * SECOND_MS;
  const ms = daysMs.of(day + bc, dayMs) + clockMs;
  if (!(ms >= EARLIEST_MS && ms < END_MS)) return null;
  return utcText(ms < 0 ? ms + momentOfLocal(zone, 0) : momentOfLocal(zone, ms), fraction);
}

function dayMs(day: string): number {
  const [year, month, rest = ''] = day.split('-');
  const [dayOfMonth, bc] = rest.split(' ');
  return localMs(bc === undefined ? Number(year) : 1 - Number(year), Number(month), Number(dayOfMonth));
}

/** As though the clock showed UTC; NaN for a day that the calendar does not have. `Date.UTC` reads the years 0–99 as 1900–1999. */
function localMs(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() : Number.NaN;
}

interface DayText {
  readonly day: string;
  readonly bc: string;
}

/** @param ms whole seconds since 1970. @param fraction `.123`, without trailing zeros, or empty. */
function utcText(ms: number, fraction: string): string {
  const days = Math.floor(ms / DAY_MS);
  const { day, bc } = dayTexts.of(days, dayText);
  const seconds = (ms - days * DAY_MS) / SECOND_MS;
  const minutes = Math.floor(seconds / 60);
  const clock = `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}`;
  return `${day} ${clock}${fraction}+00${bc}`;
}

function dayText(days: number): DayText {
  const date = new Date(days * DAY_MS);
  const year = date.getUTCFullYear();
  const shown = String(year > 0 ? year : 1 - year).padStart(4, '0');
  const day = `${shown}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
  return { day, bc: year > 0 ? '' : ' BC' };
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** timestamptz text of microseconds since 1970. */
export function timestamptzOfUs(us: number): string {
  const seconds = Math.floor(us / 1_000_000);
  return utcText(seconds * SECOND_MS, fractionText(us - seconds * 1_000_000));
}

/** Digits by which a unit is larger than a microsecond. */
export const EPOCH_DIGITS = { s: 6, ms: 3, us: 0 } as const;
/** Of the year 1 and of the year 10000. */
export const FIRST_EPOCH_US = -62_135_596_800_000_000n;
export const END_EPOCH_US = 253_402_300_800_000_000n;
const US_PER_SECOND = 1_000_000n;

/** As `timestamptzOfUs`, exact in all years from 1 to 9999; null in others. */
export function timestamptzOfEpoch(us: bigint): string | null {
  if (us < FIRST_EPOCH_US || us >= END_EPOCH_US) return null;
  const fromFirst = us - FIRST_EPOCH_US;
  const seconds = Number(fromFirst / US_PER_SECOND + FIRST_EPOCH_US / US_PER_SECOND);
  return utcText(seconds * SECOND_MS, fractionText(Number(fromFirst % US_PER_SECOND)));
}

function fractionText(micros: number): string {
  return micros === 0 ? '' : `.${String(micros).padStart(6, '0').replace(/0+$/, '')}`;
}

/** The day of a timestamp without time zone. */
export function dayOf(timestamp: string): string {
  const blank = timestamp.indexOf(' ');
  if (blank === -1) return timestamp;
  return timestamp.slice(0, blank) + (timestamp.endsWith(' BC') ? ' BC' : '');
}

const WRITTEN =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,6})?)?(?:([+-])([0-9]{2})(?::?([0-9]{2}))?|(Z))?)?$/;

/** A date or time as somebody may write it into a mapping, in PostgreSQL's words; null: it is none of that kind. */
export function writtenMoment(text: string, kind: 'date' | 'timestamp' | 'timestamptz'): string | null {
  const match = WRITTEN.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second = '0', fraction = '', sign, offHour, offMinute = '0', utc] =
    match;
  const midnight = localMs(Number(year), Number(month), Number(day));
  if (Number.isNaN(midnight) || year === '0000') return null;
  if (hour === undefined) return kind === 'date' ? text : null;
  const zoned = sign !== undefined || utc !== undefined;
  if (kind !== (zoned ? 'timestamptz' : 'timestamp')) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  if (Number(offHour ?? 0) > 15 || Number(offMinute) > 59) return null;
  const clockMs = (Number(hour) * 60 + Number(minute)) * MINUTE_MS + Number(second) * SECOND_MS;
  const offsetMs = (Number(offHour ?? 0) * 60 + Number(offMinute)) * MINUTE_MS * (sign === '-' ? -1 : 1);
  const shown = utcText(midnight + clockMs - offsetMs, fraction.replace(/\.?0+$/, ''));
  return zoned ? shown : shown.slice(0, -'+00'.length);
}
