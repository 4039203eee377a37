import { Memo } from './memo.js';
import { UnparsableValue, type ValueObserver } from './values.js';

/**
 * PostgreSQL's ISO output of timestamptz, timestamp and date.
 * @see https://www.postgresql.org/docs/current/datatype-datetime.html#DATATYPE-DATETIME-OUTPUT
 */
const TIMESTAMP =
  /^([0-9]{4,6})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?(?:([+-])([0-9]{2})(?::([0-9]{2})(?::([0-9]{2}))?)?)?( BC)?$/;
const DATE = /^([0-9]{4,7})-([0-9]{2})-([0-9]{2})( BC)?$/;

const SECONDS_A_DAY = 86_400;
/** RFC 3339, and with it every receiver's JSON Schema, ends at these years. */
const FIRST_MS = Date.UTC(2000, 0, 1) - 730_119 * SECONDS_A_DAY * 1000;
const END_MS = Date.UTC(10_000, 0, 1);

interface Instant {
  /** Whole seconds since 1970. */
  readonly seconds: number;
  /** 0 – 999,999. */
  readonly micros: number;
}

type Parsed = Instant | 'infinity' | '-infinity';

function parse(text: string, column: string, zone: 'required' | 'forbidden'): Parsed {
  if (text === 'infinity' || text === '-infinity') return text;
  const match = TIMESTAMP.exec(text);
  if (match === null || (match[8] !== undefined) !== (zone === 'required')) throw new UnparsableValue(column);
  const [, year, month, day, hour, minute, second, fraction, sign, offHour, offMinute, offSecond, bc] = match;
  const days = daysSince1970(civilYear(Number(year), bc), Number(month), Number(day), column);
  const clock = [Number(hour), Number(minute), Number(second)] as const;
  if (clock[0] > 23 || clock[1] > 59 || clock[2] > 59) throw new UnparsableValue(column);
  const offset = Number(offHour ?? 0) * 3600 + Number(offMinute ?? 0) * 60 + Number(offSecond ?? 0);
  const local = days * SECONDS_A_DAY + clock[0] * 3600 + clock[1] * 60 + clock[2];
  return {
    seconds: sign === '-' ? local + offset : local - offset,
    micros: fraction === undefined ? 0 : Number(fraction.padEnd(6, '0')),
  };
}

/** 1 BC is year 0. */
function civilYear(year: number, bc: string | undefined): number {
  return bc === undefined ? year : 1 - year;
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/**
 * Days since 1970-01-01 in the proleptic Gregorian calendar. `Date.UTC` reads the years 0–99 as 1900–1999.
 * @see https://howardhinnant.github.io/date_algorithms.html#days_from_civil
 */
function daysSince1970(year: number, month: number, day: number, column: string): number {
  const monthDays = (MONTH_DAYS[month - 1] ?? 0) + (month === 2 && isLeap(year) ? 1 : 0);
  if (day < 1 || day > monthDays) throw new UnparsableValue(column);
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function microseconds(parsed: Parsed): number {
  if (parsed === 'infinity') return Infinity;
  if (parsed === '-infinity') return -Infinity;
  return parsed.seconds * 1_000_000 + parsed.micros;
}

/** Microseconds since 1970 of a timestamptz, exact until the year 2255; ±Infinity for infinities. @throws UnparsableValue */
export function timestampUs(text: string, column: string): number {
  return microseconds(parse(text, column, 'required'));
}

/** As `timestampUs`, of a timestamp without zone, as though its clock showed UTC. @throws UnparsableValue */
export function localTimestampUs(text: string, column: string): number {
  return microseconds(parse(text, column, 'forbidden'));
}

/** RFC 3339 with milliseconds, truncated; null outside the years 1–9999. */
export function isoOfUs(us: number): string | null {
  const ms = Math.floor(us / 1000);
  return ms >= FIRST_MS && ms < END_MS ? new Date(ms).toISOString() : null;
}

/** The rows of one commit mostly carry one and the same time. */
const written = new Memo<string, string | typeof UNWRITABLE>(256);
const UNWRITABLE = Symbol('outside the years 1–9999');

/**
 * A timestamptz as RFC 3339 in UTC with milliseconds, truncated. Infinities and years that RFC 3339 does not have
 * become null and are counted.
 * @throws UnparsableValue
 */
export function timestampIso(text: string, column: string, observer?: ValueObserver): string | null {
  const iso = written.of(text, () => isoOf(parse(text, column, 'required')));
  if (iso !== UNWRITABLE) return iso;
  observer?.notRepresentable(column);
  return null;
}

function isoOf(parsed: Parsed): string | typeof UNWRITABLE {
  if (typeof parsed !== 'object') return UNWRITABLE;
  const ms = parsed.seconds * 1000 + Math.floor(parsed.micros / 1000);
  return ms >= FIRST_MS && ms < END_MS ? new Date(ms).toISOString() : UNWRITABLE;
}

export function nullableTimestampIso(
  text: string | null,
  column: string,
  observer?: ValueObserver,
): string | null {
  return text === null ? null : timestampIso(text, column, observer);
}

/** A date as `2026-11-19`; infinities and years outside 1–9999 become null and are counted. @throws UnparsableValue */
export function dateValue(text: string, column: string, observer?: ValueObserver): string | null {
  if (text !== 'infinity' && text !== '-infinity') {
    const match = DATE.exec(text);
    if (match === null) throw new UnparsableValue(column);
    const year = civilYear(Number(match[1]), match[4]);
    daysSince1970(year, Number(match[2]), Number(match[3]), column);
    if (year >= 1 && year <= 9999) return text;
  }
  observer?.notRepresentable(column);
  return null;
}

export function nullableDate(text: string | null, column: string, observer?: ValueObserver): string | null {
  return text === null ? null : dateValue(text, column, observer);
}
