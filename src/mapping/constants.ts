import { labelOf, type RecordColumn } from './columns.js';
import { isZone, ZONES } from './zones.js';

/** A value that a mapping file gives itself, as PostgreSQL would write it. */
export type Constant =
  | { readonly tag: 'constant'; readonly text: string | null }
  /** `accepts` completes `it must be `; `near`: what a mistyped one is compared with. */
  | { readonly tag: 'refused'; readonly accepts: string; readonly near: readonly string[] };

/** Whether a column can hold a constant, and how PostgreSQL writes it: booleans as `t` and `f`, times in UTC. */
export function constantOf(text: string | null, column: RecordColumn): Constant {
  if (text === null) {
    return column.need === 'nullable'
      ? { tag: 'constant', text }
      : { tag: 'refused', accepts: `${labelOf(column)} and not null`, near: [] };
  }
  if (column.values !== null) return taken(column.values.includes(text) ? text : null, column, column.values);
  if (column.isZone) return taken(isZone(text) ? text : null, column, ZONES);
  if (column.isCurrency) return taken(/^[A-Z]{3}$/.test(text) ? text : null, column, CURRENCIES);
  return taken(read(text, column.type.kind), column);
}

/** Those that a mistyped one is compared with. */
const CURRENCIES: readonly string[] = Intl.supportedValuesOf('currency');

function taken(text: string | null, column: RecordColumn, near: readonly string[] = []): Constant {
  if (text !== null) return { tag: 'constant', text };
  return { tag: 'refused', accepts: `${labelOf(column)}${FORMS[column.type.kind] ?? ''}`, near };
}

const FORMS: Readonly<Partial<Record<RecordColumn['type']['kind'], string>>> = {
  date: ' such as 2026-01-31',
  timestamp: ' such as 2026-01-31 12:30:00',
  timestamptz: ' with its zone, such as 2026-01-31T12:30:00Z',
};

/** Null: it is none of that type. */
function read(text: string, kind: RecordColumn['type']['kind']): string | null {
  switch (kind) {
    case 'key':
      return text === '' ? null : text;
    case 'int':
      return isInteger(text) ? text : null;
    case 'numeric':
      return /^-?\d+(\.\d+)?$/.test(text) ? text : null;
    case 'boolean':
      return BOOLEANS.get(text.toLowerCase()) ?? null;
    case 'text':
      return text;
    case 'date':
      return isDay(text) ? text : null;
    case 'timestamp':
      return localTime(text);
    case 'timestamptz':
      return utcTime(text);
    case 'jsonb':
      return isJson(text) ? text : null;
    default:
      return never(kind);
  }
}

const BOOLEANS: ReadonlyMap<string, string> = new Map([
  ...['true', 't', 'yes', 'on'].map((text) => [text, 't'] as const),
  ...['false', 'f', 'no', 'off'].map((text) => [text, 'f'] as const),
]);

/** int8 in a user's database; what a double does not hold no event can write as a number. */
function isInteger(text: string): boolean {
  return /^-?\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text));
}

/** The 31st of a month that has 30 days would be read as the next month's first. */
function isDay(text: string): boolean {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // A zone may move the first and the last year's days out of the years that PostgreSQL writes with four digits.
  return text > '0002' && text < '9999' && Number.isFinite(ms) && new Date(ms).toISOString().startsWith(text);
}

const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(Z|[+-]\d\d(?::?\d\d)?)?$/;

interface Clock {
  /** As though the clock showed UTC. */
  readonly ms: number;
  /** With its point; empty for whole seconds. */
  readonly fraction: string;
  readonly zone: string | undefined;
}

function clockOf(text: string): Clock | null {
  const [, day, minute, second = '00', fraction = '', zone] = TIME.exec(text) ?? [];
  if (day === undefined || minute === undefined || !isDay(day)) return null;
  const ms = Date.parse(`${day}T${minute}:${second}Z`);
  const digits = fraction.replace(/0+$/, '');
  // 24:00 would be read as the next day's first second.
  if (!Number.isFinite(ms) || !new Date(ms).toISOString().startsWith(day)) return null;
  return { ms, fraction: digits === '' ? '' : `.${digits}`, zone };
}

function localTime(text: string): string | null {
  const clock = clockOf(text);
  return clock === null || clock.zone !== undefined ? null : written(clock.ms, clock.fraction);
}

function utcTime(text: string): string | null {
  const clock = clockOf(text);
  if (clock?.zone === undefined) return null;
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(clock.zone) ?? [];
  if (Number(hours) > 15 || Number(minutes) > 59) return null;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return `${written(clock.ms + (sign === '-' ? offsetMs : -offsetMs), clock.fraction)}+00`;
}

function written(ms: number, fraction: string): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ') + fraction;
}

function isJson(text: string): boolean {
  // jsonb has no zero byte.
  if (text.includes('\\u0000')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function never(kind: never): never {
  throw new Error(`no such type: ${String(kind)}`);
}
