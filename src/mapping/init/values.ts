import { isNaive, kindOf, type CatalogueColumn } from './catalogue.js';
import { letterMeanings, translate, yesAmong, type Meanings } from './code-words.js';
import type { Value } from './proposal.js';
import { wordsOf } from './words.js';

/** A value with what is to be said of it. */
export interface Said {
  readonly value: Value;
  readonly why: string | null;
}

const CENTS = new Set(['cent', 'pence', 'minor', 'centime', 'rappen']);

/** An amount of money: whole numbers are cents until somebody knows better. */
export function moneyValue(column: CatalogueColumn, reference: string): Said {
  const { name } = column;
  if (wordsOf(name).some((word) => CENTS.has(word)))
    return { value: { column: reference, scale: 2 }, why: null };
  if (kindOf(column) !== 'int') return { value: reference, why: null };
  return {
    value: { column: reference, scale: 2 },
    why: 'whole numbers: taken for cents; if they are not, leave the scale out',
  };
}

/** A moment that the record cannot be without. */
export function momentValue(column: CatalogueColumn, reference: string, zone: string): Said {
  const naive = isNaive(column);
  const day = column.type === 'date' ? 'a date, so midnight' : naive ? 'without a zone' : null;
  if (!column.nullable) return { value: reference, why: day === null ? null : `${day}, in the zone above` };
  const own = naive ? { column: reference, zone } : reference;
  const why = [day, 'may be null, and then it is when the row was committed']
    .filter((each) => each !== null)
    .join('; ');
  return { value: { first: [own, { commit_time: true }] }, why };
}

/** A moment that may be missing. */
export function optionalMoment(column: CatalogueColumn, reference: string): Said {
  if (column.type === 'date') return { value: reference, why: 'a date, so midnight, in the zone above' };
  return { value: reference, why: isNaive(column) ? 'without a zone, so in the zone above' : null };
}

/** Yes or no of whatever a column says it with. `reference` is the column's name as the feed writes it. */
export function flagValue(column: CatalogueColumn, reference: string): Said {
  const kind = kindOf(column);
  if (kind === 'bool') return { value: reference, why: null };
  if (kind !== 'int' && kind !== 'text') return { value: { column: reference, true: 'set' }, why: null };
  const values = column.values;
  if (values === null) {
    const guess = kind === 'int' ? ['1'] : ['Y', 'y', 'T', 't', '1'];
    return { value: { column: reference, true: guess }, why: 'TODO its values were not looked at' };
  }
  const yes = yesAmong(values);
  const found = `values found: ${listed(values)}`;
  if (yes !== null && yes.length > 0) return { value: { column: reference, true: yes }, why: found };
  const guess = kind === 'int' ? ['1'] : ['Y'];
  return {
    value: { column: reference, true: guess },
    why: `TODO ${values.length === 0 ? 'no value found' : found}`,
  };
}

/** The opposite: true where the column says no. Null: it cannot be said. */
export function negatedFlag(column: CatalogueColumn, reference: string): Said | null {
  const kind = kindOf(column);
  if (kind === 'bool') return { value: { column: reference, true: ['f'] }, why: 'the opposite of it' };
  if (kind === 'int') return { value: { column: reference, true: ['0'] }, why: 'the opposite of it' };
  return null;
}

export interface FlagCodes {
  /** What a yes stands for, or a no; the other, and null, stand for `otherwise`. */
  readonly when: 'yes' | 'no';
  readonly code: string;
  readonly otherwise: string;
}

/** A flag as a code of the reference schema. */
export function flagAs(
  column: CatalogueColumn,
  reference: string,
  { when, code, otherwise }: FlagCodes,
): Said {
  const flag = flagValue(column, reference);
  const codes = { [when === 'yes' ? 't' : 'f']: code };
  const of = typeof flag.value === 'string' ? { column: flag.value } : { of: flag.value };
  const coded = { ...of, codes, else: otherwise };
  // Whether a moment is set is never unknown.
  const mayBeNull =
    column.nullable &&
    kindOf(column) !== 'timestamp' &&
    kindOf(column) !== 'timestamptz' &&
    kindOf(column) !== 'date';
  return { value: mayBeNull ? { first: [coded, { value: otherwise }] } : coded, why: flag.why };
}

export interface CodesOptions {
  readonly meanings: Meanings;
  /** For codes whose meaning nothing tells, and for null. */
  readonly otherwise: string;
  /** Whether single letters may be V for void and R for returns. Default false. */
  readonly letters?: boolean;
}

/** Codes in the reference schema's words; null where none of the values means any of them. */
export function codesValue(column: CatalogueColumn, reference: string, options: CodesOptions): Said | null {
  const values = column.values ?? [];
  const { codes, unknown } = translate(values, options.meanings);
  const all = new Map([...codes, ...(options.letters === true ? letterMeanings(values) : [])]);
  if (all.size === 0) return null;
  const coded: Value = { column: reference, codes: Object.fromEntries(all), else: options.otherwise };
  const rest = unknown.filter((value) => !all.has(value));
  return {
    value: column.nullable ? { first: [coded, { value: options.otherwise }] } : coded,
    why: rest.length === 0 ? null : `others found: ${listed(rest)}`,
  };
}

export function listed(values: readonly string[]): string {
  return values
    .map((value) => (value.trim() === value && value !== '' ? value : JSON.stringify(value)))
    .join(', ');
}
