import type { Change, SourceChange, SourceRow } from '../changes/transaction.js';
import { TABLES } from '../records/tables.js';
import type { JoinedCommit } from './joined-commit.js';
import type { FeedReader } from './feed-reader.js';

/** Finds what a row's joins meet. */
export type JoinRow = (own: SourceRow) => JoinedCommit;

/**
 * What one changed row of the user's table does to the record of a feed. A row that comes to match the feed's
 * conditions by an UPDATE is an INSERT of the record, one that no longer does a DELETE; to see that, the row before is
 * needed (REPLICA IDENTITY FULL). Null: nothing.
 */
export function translate(change: SourceChange, reader: FeedReader, join: JoinRow): Change | null {
  switch (change.op) {
    case 'insert': {
      const row = join(change.row);
      return reader.matches(row) === false ? null : insertion(reader, reader.read(row));
    }
    case 'delete': {
      const old = join(change.old);
      return reader.matches(old) === false ? null : deletion(reader, reader.read(old));
    }
    case 'update':
      return change.old === null || !isWhole(change.old)
        ? updateAlone(change.row, change.old, reader, join)
        : updateOf(change.row, change.old, reader, join);
    default:
      return change satisfies never;
  }
}

function updateOf(row: SourceRow, old: SourceRow, reader: FeedReader, join: JoinRow): Change | null {
  const before = join(old);
  const after = join(filledIn(row, old));
  const [matched, matches] = [reader.matches(before) !== false, reader.matches(after) !== false];
  if (!matched) return matches ? insertion(reader, reader.read(after)) : null;
  const previous = reader.read(before);
  return matches ? updating(reader, reader.read(after), previous) : deletion(reader, previous);
}

/** Without the row before: it is taken to have matched, and to have had the same values, but for a changed key. */
function updateAlone(
  row: SourceRow,
  old: SourceRow | null,
  reader: FeedReader,
  join: JoinRow,
): Change | null {
  const joined = join(row);
  const values = reader.read(joined);
  const keyBefore = old === null ? null : reader.read(join(old));
  if (reader.matches(joined) === false) return deletion(reader, keyBefore ?? values);
  if (TABLES[reader.record].identity === 'default') return updating(reader, values, keyBefore);
  return updating(reader, values, keyBefore === null ? values : filledIn(keyBefore, values));
}

/** An old row that is only a key has its other columns undefined. */
function isWhole(old: SourceRow): boolean {
  return Object.values(old).every((value) => value !== undefined);
}

function filledIn(row: SourceRow, from: SourceRow): SourceRow {
  const filled: Record<string, string | null | undefined> = { ...row };
  for (const column in filled) filled[column] ??= filled[column] === null ? null : from[column];
  return filled;
}

// A feed gives every column of its record, which the compiler cannot see.
function insertion({ record }: FeedReader, row: SourceRow): Change {
  return { op: 'insert', table: record, row, old: null } as Change;
}

function updating({ record }: FeedReader, row: SourceRow, old: SourceRow | null): Change {
  return { op: 'update', table: record, row, old } as Change;
}

function deletion({ record }: FeedReader, old: SourceRow): Change {
  return { op: 'delete', table: record, row: null, old } as Change;
}
