import type { CanonicalTransaction, Change, SourceRow, Transaction } from '../changes/transaction.js';
import { isMappedTable, type TableName } from '../records/tables.js';
import { customReader, occurrenceOf, type CustomReader } from './custom-event.js';
import type { JoinedCommit } from './joined-commit.js';
import { feedReader, type FeedReader } from './feed-reader.js';
import { JoinedRows, type WantedRows } from './joined-rows.js';
import type { Feed, Mapping } from './mapping.js';
import { translate } from './translate.js';
import type { WordWatch } from './unknown-words.js';

export interface TranslationOptions {
  readonly mapping: Mapping;
  /** Reads rows of joined tables, in the text of the stream. @throws ConnectorError DATABASE_… */
  readonly read: (wanted: WantedRows) => Promise<readonly SourceRow[]>;
  /** Rows of each joined table kept between batches. Default 100,000. */
  readonly maxJoinedRows?: number;
  /** Sees every row of a record that a feed makes. Default: nobody. */
  readonly watch?: WordWatch;
}

/**
 * From rows of the user's tables to canonical ones, in three steps for a batch of transactions: `prepare` reads what joins
 * meet and the stream has not given; `canonical` walks a transaction; `trim` forgets.
 *
 * Joined rows are as the stream last showed them, in commit order; on first sight as the table shows them.
 */
export interface Translation {
  prepare(transactions: readonly Transaction[]): Promise<void>;
  canonical(transaction: Transaction): CanonicalTransaction;
  /**
   * Records that were made with rows of joined tables which the transactions walked since the last call have changed: what
   * is known of them is out of date, although no row of theirs has come.
   */
  takeStale(): ReadonlySet<TableName>;
  trim(): void;
}

export function openTranslation(options: TranslationOptions): Translation {
  const { feeds, customEvents } = options.mapping;
  return feeds === null && customEvents.size === 0 ? AS_IT_IS : new FeedTranslation(options);
}

const NONE: ReadonlySet<TableName> = new Set();

/** The reference schema's rows are canonical as they come: their tables and columns have the canonical names. */
const AS_IT_IS: Translation = {
  prepare: () => Promise.resolve(),
  canonical: (transaction) => transaction as unknown as CanonicalTransaction,
  takeStale: () => NONE,
  trim: () => undefined,
};

class FeedTranslation implements Translation {
  readonly #readers: ReadonlyMap<string, readonly FeedReader[]>;
  readonly #customReaders: ReadonlyMap<string, readonly CustomReader[]>;
  /** Without feeds the rows of these tables are canonical as they come. */
  readonly #isCanonical: (table: string) => table is TableName;
  readonly #joined: JoinedRows;
  readonly #options: TranslationOptions;
  readonly #hasJoins: boolean;
  /** Which records are made with rows of a joined table. */
  readonly #joinedInto: ReadonlyMap<string, ReadonlySet<TableName>>;
  #stale = new Set<TableName>();

  constructor(options: TranslationOptions) {
    const { feeds, customEvents, tables } = options.mapping;
    this.#options = options;
    this.#readers = eachOf(feeds ?? new Map<string, readonly Feed[]>(), (feed) =>
      feedReader(feed, options.mapping.relations),
    );
    this.#customReaders = eachOf(customEvents, customReader);
    this.#isCanonical = feeds === null ? isMappedTable : (table): table is TableName => table === null;
    const joins = [...this.#readers.values(), ...this.#customReaders.values()]
      .flat()
      .flatMap((reader) => reader.joins.map(({ join }) => join));
    this.#joined = new JoinedRows(joins, tables);
    this.#hasJoins = joins.length > 0;
    this.#joinedInto = recordsByJoin([...this.#readers.values()].flat());
  }

  async prepare(transactions: readonly Transaction[]): Promise<void> {
    if (!this.#hasJoins) return;
    // A join may be by a column of another: each round knows one more, and there are as many as are chained.
    for (;;) {
      for (const transaction of transactions) await this.#look(transaction);
      const missing = this.#joined.takeMissing();
      if (missing.length === 0) return;
      await Promise.all(
        missing.map(async (wanted) => this.#joined.learn(wanted, await this.#options.read(wanted))),
      );
    }
  }

  canonical(transaction: Transaction): CanonicalTransaction {
    const { commitTimeUs, endLsn, rowCount } = transaction;
    const join = this.#join(commitTimeUs);
    const { watch } = this.#options;
    return {
      commitTimeUs,
      endLsn,
      rowCount,
      forEachChange: (visit) =>
        transaction.forEachChange((change) => {
          this.#joined.apply(change);
          // A row that is new was met by no join before.
          if (change.op !== 'insert') this.#noteStale(change.table);
          // The decoder gives exactly the columns of the table, which the compiler cannot follow.
          if (this.#isCanonical(change.table)) visit(change as Change);
          for (const reader of this.#readers.get(change.table) ?? []) {
            const translated = translate(change, reader, (own) => join(reader, own));
            if (translated === null) continue;
            if (translated.row !== null) watch?.(translated.table, translated.row);
            visit(translated);
          }
          for (const reader of this.#customReaders.get(change.table) ?? []) {
            const occurrence = occurrenceOf(change, reader, (own) => join(reader, own));
            if (occurrence !== null) visit({ op: 'occur', table: 'custom', row: occurrence, old: null });
          }
        }),
    };
  }

  takeStale(): ReadonlySet<TableName> {
    if (this.#stale.size === 0) return NONE;
    const stale = this.#stale;
    this.#stale = new Set();
    return stale;
  }

  #noteStale(table: string): void {
    for (const record of this.#joinedInto.get(table) ?? NONE) this.#stale.add(record);
  }

  trim(): void {
    this.#joined.trim(this.#options.maxJoinedRows ?? 100_000);
  }

  async #look(transaction: Transaction): Promise<void> {
    const join = this.#join(transaction.commitTimeUs);
    await transaction.forEachChange((change) => {
      for (const reader of this.#joiningReaders(change.table)) {
        if (change.row !== null) join(reader, change.row);
        if (change.old !== null) join(reader, change.old);
      }
    });
  }

  #joiningReaders(table: string): readonly Joining[] {
    const readers = [...(this.#readers.get(table) ?? []), ...(this.#customReaders.get(table) ?? [])];
    return readers.filter(({ joins }) => joins.length > 0);
  }

  #join(commitTimeUs: number): (reader: Joining, own: SourceRow) => JoinedCommit {
    return (reader, own) => {
      const joins = new Map<string, SourceRow | null>();
      const row: JoinedCommit = { own, joins, commitTimeUs };
      for (const { name, join, key } of reader.joins) {
        joins.set(
          name,
          this.#joined.find(
            join,
            key.map((value) => value(row, row)),
          ),
        );
      }
      return row;
    };
  }
}

type Joining = Pick<FeedReader, 'joins'>;

function eachOf<T, R>(
  all: ReadonlyMap<string, readonly T[]>,
  read: (each: T) => R,
): ReadonlyMap<string, readonly R[]> {
  return new Map([...all].map(([table, each]) => [table, each.map(read)]));
}

function recordsByJoin(readers: readonly FeedReader[]): ReadonlyMap<string, ReadonlySet<TableName>> {
  const found = new Map<string, Set<TableName>>();
  for (const { record, joins } of readers) {
    for (const { join } of joins) {
      found.set(join.table, (found.get(join.table) ?? new Set<TableName>()).add(record));
    }
  }
  return found;
}
