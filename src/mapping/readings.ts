import { timestamptzOfUs } from './moment-text.js';

/** A value's text; `undefined`: not known, an unchanged TOAST value that the server did not send. */
export type Value = string | null | undefined;

/** Columns as the wire carries them. One that is missing is not known. */
export type Columns = Readonly<Record<string, Value>>;

/** A row of a feed's table with the rows that its joins meet. */
export interface JoinedRow {
  readonly own: Columns;
  /** By the join's name. Null: no row of it belongs here; a join that is missing is not known. */
  readonly joins: ReadonlyMap<string, Columns | null>;
}

export interface ReadingContext {
  /** When the row's version was committed, microseconds since 1970. */
  readonly commitTimeUs: number;
}

/** Not known when something is not that may decide: of `first` those before a value, of ids none beside a null. */
export type Reading = (row: JoinedRow, context: ReadingContext) => Value;

/** `undefined`: a value that it asks for is not known. */
export type ConditionReading = (row: JoinedRow, context: ReadingContext) => boolean | undefined;

export function mapped(reading: Reading, change: ((text: string) => string | null) | null): Reading {
  if (change === null) return reading;
  return (row, context) => {
    const value = reading(row, context);
    return value == null ? value : change(value);
  };
}

export function concatReading(parts: readonly Reading[], separator: string): Reading {
  return (row, context) => {
    let whole: string | null = null;
    for (const part of parts) {
      const value = part(row, context);
      if (value === undefined) return undefined;
      if (value !== null) whole = whole === null ? value : whole + separator + value;
    }
    return whole;
  };
}

export function compositeReading(parts: readonly Reading[]): Reading {
  return (row, context) => {
    const values = parts.map((part) => part(row, context));
    // Null whatever the others may be.
    if (values.includes(null)) return null;
    if (values.includes(undefined)) return undefined;
    return (values as string[]).map(escapedPart).join(':');
  };
}

const MARKS = /[%:]/;

function escapedPart(part: string): string {
  return MARKS.test(part) ? part.replaceAll('%', '%25').replaceAll(':', '%3A') : part;
}

export function whenReading(holds: ConditionReading, of: Reading): Reading {
  return (row, context) => {
    const held = holds(row, context);
    if (held === undefined) return undefined;
    return held ? of(row, context) : null;
  };
}

/** The rows of one commit follow each other. */
export function commitTimeReading(): Reading {
  let lastUs = Number.NaN;
  let last = '';
  return (_, { commitTimeUs }) => {
    if (commitTimeUs !== lastUs) {
      last = timestamptzOfUs(commitTimeUs);
      lastUs = commitTimeUs;
    }
    return last;
  };
}

export function firstReading(operands: readonly Reading[]): Reading {
  return (row, context) => {
    for (const operand of operands) {
      const value = operand(row, context);
      if (value !== null) return value;
    }
    return null;
  };
}
