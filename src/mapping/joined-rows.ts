import type { SourceChange, SourceRow } from '../changes/transaction.js';
import type { Join, SourceTables } from './mapping.js';
import { castText } from './column-types.js';

/** The join columns of a table, by which its rows are found. */
interface Index {
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** They tell a row, so that a change says which entry it concerns. */
  readonly byIdentity: boolean;
  /** Null: there is no such row. In the order of last use. */
  readonly rows: Map<string, SourceRow | null>;
}

/** Rows of one table to be read: those with these values of the columns. */
export interface WantedRows {
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly keys: readonly (readonly string[])[];
}

/**
 * Rows of joined tables as far as feeds have asked for them: read from the database on first sight, then kept current by
 * the stream. A row that nobody asked for yet is not kept.
 */
export class JoinedRows {
  readonly #indexes = new Map<string, Index>();
  readonly #byTable = new Map<string, Index[]>();
  #missing = new Map<Index, Map<string, readonly string[]>>();

  constructor(joins: Iterable<Join>, tables: SourceTables) {
    for (const { table, on } of joins) {
      const columns = on.map(({ column, type }) => ({ name: column, type }));
      const id = indexId(table, columns);
      if (this.#indexes.has(id)) continue;
      const identity = tables.get(table)?.key ?? [];
      const byIdentity = identity.length > 0 && columns.every(({ name }) => identity.includes(name));
      const index = { table, columns, byIdentity, rows: new Map<string, SourceRow | null>() };
      this.#indexes.set(id, index);
      this.#byTable.set(table, [...(this.#byTable.get(table) ?? []), index]);
    }
  }

  has(table: string): boolean {
    return this.#byTable.has(table);
  }

  /** Null where there is none, and where it is not known yet: then it is noted as missing. */
  find({ table, on }: Join, key: readonly (string | null | undefined)[]): SourceRow | null {
    const index = this.#indexes.get(
      indexId(
        table,
        on.map(({ column }) => ({ name: column })),
      ),
    );
    if (index === undefined) throw new RangeError(`${table} is not joined by these columns`);
    if (!isComplete(key)) return null;
    const text = keyText(key);
    const row = index.rows.get(text);
    if (row === undefined) {
      const missing = this.#missing.get(index) ?? new Map<string, readonly string[]>();
      this.#missing.set(index, missing.set(text, key));
      return null;
    }
    return row;
  }

  /** What `find` did not know since the last call. */
  takeMissing(): readonly WantedRows[] {
    const missing = this.#missing;
    this.#missing = new Map();
    return [...missing].map(([{ table, columns }, keys]) => ({ table, columns, keys: [...keys.values()] }));
  }

  /** What was wanted, as it was found: keys without a row have none. */
  learn({ table, columns, keys }: WantedRows, rows: readonly SourceRow[]): void {
    const index = this.#indexes.get(indexId(table, columns));
    if (index === undefined) throw new RangeError(`${table} is not joined by these columns`);
    for (const key of keys) index.rows.set(keyText(key), null);
    for (const row of rows) {
      const key = keyOf(row, columns);
      if (isComplete(key)) index.rows.set(keyText(key), row);
    }
  }

  apply(change: SourceChange): void {
    for (const index of this.#byTable.get(change.table) ?? []) {
      const { rows, columns, byIdentity } = index;
      // Which entry an UPDATE concerned cannot be told: all of them are read again when they are needed.
      if (!byIdentity && change.op !== 'insert') rows.clear();
      const entry = (values: SourceRow | null): string | null => {
        const key = values === null ? [undefined] : keyOf(values, columns);
        return isComplete(key) ? keyText(key) : null;
      };
      const [before, after] = [entry(change.old), entry(change.row)];
      const known = rows.get(after ?? before ?? '');
      if (before !== null && before !== after && rows.has(before)) rows.set(before, null);
      if (after === null || change.row === null || known === undefined) continue;
      const whole = filledIn(change.row, known);
      if (whole === null) rows.delete(after);
      else rows.set(after, whole);
    }
  }

  /** Forgets what was learnt first, beyond `max` rows by index. */
  trim(max: number): void {
    for (const { rows } of this.#indexes.values()) {
      for (const key of rows.keys()) {
        if (rows.size <= max) break;
        rows.delete(key);
      }
    }
  }
}

function indexId(table: string, columns: readonly { readonly name: string }[]): string {
  return JSON.stringify([table, ...columns.map(({ name }) => name)]);
}

function keyOf(row: SourceRow, columns: Index['columns']): readonly (string | null | undefined)[] {
  return columns.map(({ name, type }) => {
    const wire = row[name];
    return wire == null ? wire : (castText(type)?.(wire) ?? wire);
  });
}

function keyText(key: readonly string[]): string {
  return key.length === 1 ? (key[0] ?? '') : JSON.stringify(key);
}

function isComplete(key: readonly (string | null | undefined)[]): key is readonly string[] {
  return key.every((part) => part != null);
}

/** The row with values that were not sent taken from the one known before; null when they are not known. */
function filledIn(row: SourceRow, known: SourceRow | null): SourceRow | null {
  const filled: Record<string, string | null | undefined> = { ...row };
  for (const [column, value] of Object.entries(row)) {
    if (value !== undefined) continue;
    if (known?.[column] === undefined) return null;
    filled[column] = known[column];
  }
  return filled;
}
