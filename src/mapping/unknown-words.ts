import type { TableName } from '../records/tables.js';
import type { Mapping } from './mapping.js';
import { possibleTexts } from './possible-texts.js';
import { valueSetOf } from './value-sets.js';

/** Looks at a record's row as it was read; a column that is missing or not known is passed over. */
export type WordWatch = (table: TableName, row: Readonly<Record<string, string | null | undefined>>) => void;

export interface WatchedColumn {
  readonly column: string;
  /** All that the record knows there. */
  readonly words: ReadonlySet<string>;
}

/**
 * The columns in which a mapping may give a record words that it does not have, because they are taken from the user's
 * tables as they stand: a code that `codes` does not list is kept. Such a word decides nothing, so that an event may be
 * missing for its sake. The reference schema's own constraints allow none.
 */
export function watchedColumns(mapping: Mapping): ReadonlyMap<TableName, readonly WatchedColumn[]> {
  const found = new Map<TableName, Map<string, WatchedColumn>>();
  for (const { record, columns } of [...(mapping.feeds?.values() ?? [])].flat()) {
    for (const [column, expression] of Object.entries(columns)) {
      const words = valueSetOf(record, column);
      // The words that a mapping gives itself were checked when it was read.
      if (words === null || possibleTexts(expression) !== null) continue;
      const known = found.get(record) ?? new Map<string, WatchedColumn>();
      found.set(record, known.set(column, { column, words: new Set(words) }));
    }
  }
  return new Map([...found].map(([record, columns]) => [record, [...columns.values()]]));
}

/** @param tell of each such word that is read; null: nobody asks */
export function wordWatch(
  mapping: Mapping,
  tell: ((table: TableName, column: string) => void) | null,
): WordWatch {
  const watched = tell === null ? new Map<TableName, readonly WatchedColumn[]>() : watchedColumns(mapping);
  return (table, row) => {
    for (const { column, words } of watched.get(table) ?? NONE) {
      const word = row[column];
      if (word != null && !words.has(word)) tell?.(table, column);
    }
  };
}

const NONE: readonly WatchedColumn[] = [];
