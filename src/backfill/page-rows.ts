import type { Knex } from 'knex';
import type { Relations } from '../mapping/mapping.js';
import type { CustomOccurrence } from '../records/custom-occurrence.js';
import { columnsOf, type Row, type TableName } from '../records/tables.js';
import type { CustomFeed } from './custom-feeds.js';
import type { FeedName, RecordFeed } from './feeds.js';
import { textRows, timeSql, usSql, type TextRow } from './read-places.js';
import type { Place } from './stretch.js';

/** A row with what is known of the transaction that wrote its last version. */
export interface Versioned<T extends TableName> {
  readonly row: Row<T>;
  /** The row's own time, microseconds since 1970. */
  readonly atUs: number;
  /** When its last version was committed; null where the server does not keep it (any more). */
  readonly versionUs: number | null;
  /** Transaction id of its last version: the same for all rows of one transaction. */
  readonly xmin: string;
}

/** An account, with the commit of a ledger header that has its very time of registration: the registering commit. */
export interface VersionedAccount extends Versioned<'loyalty.account'> {
  readonly anchorUs: number | null;
}

/** A custom event that a row tells of, with what is known of the transaction that wrote its last version. */
export interface VersionedCustom extends Omit<Versioned<TableName>, 'row'> {
  readonly occurrence: CustomOccurrence;
}

/** Rows of one page and of what belongs to them, all of one snapshot. */
export interface PageRows {
  readonly transactions: readonly Versioned<'txn.transaction'>[];
  readonly accounts: readonly VersionedAccount[];
  readonly checkins: readonly Versioned<'loyalty.checkin'>[];
  readonly recharges: readonly Versioned<'txn.recharge'>[];
  readonly referrals: readonly Versioned<'loyalty.referral'>[];
  readonly responses: readonly Versioned<'survey.response'>[];
  readonly profiles: readonly Versioned<'loyalty.account'>[];
  readonly customs: readonly VersionedCustom[];
  /** Ledger headers of the recharges. */
  readonly rechargeHeaders: readonly Versioned<'txn.transaction'>[];
  /** Headers that void or reverse one of the headers above. */
  readonly voids: readonly Versioned<'txn.transaction'>[];
  /** Ledger lines of all headers above. */
  readonly entries: readonly Versioned<'txn.wallet_entry'>[];
}

export interface ReadRowsOptions {
  /** In a transaction, so that all statements see the same. */
  readonly knex: Knex;
  readonly relations: Relations;
  readonly records: readonly RecordFeed[];
  readonly customs: readonly CustomFeed[];
  readonly trackCommitTimestamp: boolean;
}

const MINUTE_US = 60_000_000;
/** How far apart the ledger header of a recharge and its completion may lie: a processor that answers days later. */
const HEADER_DISTANCE_US = 3 * 24 * 60 * MINUTE_US;

export async function readPageRows(
  taken: ReadonlyMap<FeedName, readonly Place[]>,
  options: ReadRowsOptions,
): Promise<PageRows> {
  const reader = new RowReader(options);
  const transactions = await reader.headers(taken.get('transactions') ?? []);
  const recharges = await reader.rows<'txn.recharge'>('recharges', taken);
  const rechargeHeaders = await reader.headersOf(recharges);
  const headers = [...transactions, ...rechargeHeaders];
  return {
    transactions,
    recharges,
    rechargeHeaders,
    voids: await reader.voidsOf(headers),
    entries: await reader.entriesOf(headers),
    accounts: await reader.accounts(taken),
    checkins: await reader.rows<'loyalty.checkin'>('checkins', taken),
    referrals: await reader.rows<'loyalty.referral'>('referrals', taken),
    responses: await reader.rows<'survey.response'>('responses', taken),
    profiles: await reader.rows<'loyalty.account'>('profiles', taken),
    customs: await reader.customs(taken),
  };
}

/** Ids of one SQL type, each with a time in microseconds. */
interface JoinKeys {
  readonly type: string;
  readonly ids: readonly string[];
  readonly ats: readonly number[];
}

class RowReader {
  readonly #options: ReadRowsOptions;
  readonly #transactionType: string;

  constructor(options: ReadRowsOptions) {
    this.#options = options;
    this.#transactionType = options.relations.type('txn.transaction', 'transaction_id');
  }

  async rows<T extends TableName>(
    name: FeedName,
    taken: ReadonlyMap<FeedName, readonly Place[]>,
  ): Promise<Versioned<T>[]> {
    return (await this.#byKey(name, taken, '')).map(versioned<T>);
  }

  async accounts(taken: ReadonlyMap<FeedName, readonly Place[]>): Promise<VersionedAccount[]> {
    // Registered and rewarded in one transaction, both with its now(): the ledger remembers the commit for good.
    const anchor = `, (SELECT ${this.#versionUs('h')} FROM ${this.#from('txn.transaction')} h
      WHERE h.account_id = t.account_id AND h.posted_at = t.registered_at LIMIT 1) AS anchor_us`;
    return (await this.#byKey('accounts', taken, anchor)).map((row) => ({
      ...versioned<'loyalty.account'>(row),
      anchorUs: row.anchor_us == null ? null : Number(row.anchor_us),
    }));
  }

  async headers(places: readonly Place[]): Promise<Versioned<'txn.transaction'>[]> {
    return this.#joined(
      'txn.transaction',
      `JOIN ${this.#from('txn.transaction')} t ON t.posted_at = ${timeSql('k.at_us')} AND t.transaction_id = k.id
       WHERE t.posted_at BETWEEN ${timeSql()} AND ${timeSql()}`,
      { type: this.#transactionType, ids: places.map(({ key }) => key), ats: places.map(({ atUs }) => atUs) },
      't.posted_at',
      0,
    );
  }

  async headersOf(recharges: readonly Versioned<'txn.recharge'>[]): Promise<Versioned<'txn.transaction'>[]> {
    const named = recharges.filter(({ row }) => row.transaction_id !== null);
    return this.#joined(
      'txn.transaction',
      `JOIN ${this.#from('txn.recharge')} r ON r.recharge_id = k.id
       JOIN ${this.#from('txn.transaction')} t ON t.account_id = r.account_id AND t.transaction_id = r.transaction_id
       WHERE t.posted_at BETWEEN ${timeSql()} AND ${timeSql()}`,
      {
        type: this.#options.relations.type('txn.recharge', 'recharge_id'),
        ids: named.map(({ row }) => row.recharge_id),
        ats: named.map(({ atUs }) => atUs),
      },
      't.posted_at',
      HEADER_DISTANCE_US,
    );
  }

  async voidsOf(headers: readonly Versioned<'txn.transaction'>[]): Promise<Versioned<'txn.transaction'>[]> {
    // Only those of the same commit matter, and now() is the same throughout a transaction; a margin for other clocks.
    return this.#joined(
      'txn.transaction',
      `JOIN ${this.#from('txn.transaction')} t ON t.original_transaction_id = k.id
       WHERE t.posted_at BETWEEN ${timeSql()} AND ${timeSql()}`,
      this.#keysOf(headers),
      't.posted_at',
      60 * MINUTE_US,
    );
  }

  async entriesOf(
    headers: readonly Versioned<'txn.transaction'>[],
  ): Promise<Versioned<'txn.wallet_entry'>[]> {
    const entries = await this.#joined<'txn.wallet_entry'>(
      'txn.wallet_entry',
      `JOIN ${this.#from('txn.wallet_entry')} t ON t.posted_at = ${timeSql('k.at_us')} AND t.transaction_id = k.id
       WHERE t.posted_at BETWEEN ${timeSql()} AND ${timeSql()}`,
      this.#keysOf(headers),
      't.posted_at',
      0,
    );
    return entries.sort((a, b) => Number(a.row.entry_no) - Number(b.row.entry_no));
  }

  async customs(taken: ReadonlyMap<FeedName, readonly Place[]>): Promise<VersionedCustom[]> {
    const found: VersionedCustom[] = [];
    for (const { name, table, rows, key, keyType, time } of this.#options.customs) {
      const places = taken.get(name) ?? [];
      if (places.length === 0) continue;
      const texts = await textRows(
        this.#options.knex,
        `reading ${table}`,
        `SELECT ${[...rows.columns.map((column) => `t.${column}`), ...this.#version(time)].join(', ')}
           FROM ${rows.from} t WHERE t.${key} = ANY (?::${keyType}[])`,
        [places.map((place) => place.key)],
      );
      for (const text of texts) {
        const { row, ...version } = versioned(text);
        const occurrence = rows.occurrenceOf(row as TextRow, version.versionUs ?? version.atUs);
        if (occurrence !== null) found.push({ ...version, occurrence });
      }
    }
    return found;
  }

  async #byKey(
    name: FeedName,
    taken: ReadonlyMap<FeedName, readonly Place[]>,
    more: string,
  ): Promise<readonly TextRow[]> {
    const feed = this.#options.records.find((each) => each.name === name);
    const places = taken.get(name) ?? [];
    if (feed === undefined || places.length === 0) return [];
    return textRows(
      this.#options.knex,
      `reading ${feed.table}`,
      `SELECT ${this.#columns(feed.table, feed.time)}${more} FROM ${feed.from} t WHERE t.${feed.key} = ANY (?::${feed.keyType}[])`,
      [places.map(({ key }) => key)],
    );
  }

  /** The bounds are constants to the planner, so that it looks at no other partition. */
  async #joined<T extends TableName>(
    table: T,
    join: string,
    keys: JoinKeys,
    time: string,
    marginUs: number,
  ): Promise<Versioned<T>[]> {
    if (keys.ids.length === 0) return [];
    const [least, most] = [min(keys.ats) - marginUs, max(keys.ats) + marginUs];
    const rows = await textRows(
      this.#options.knex,
      `reading ${table}`,
      `SELECT ${this.#columns(table, time)} FROM unnest(?::${keys.type}[], ?::bigint[]) AS k (id, at_us) ${join}`,
      [keys.ids, keys.ats.map(String), String(least), String(most)],
    );
    return rows.map(versioned<T>);
  }

  #keysOf(headers: readonly Versioned<'txn.transaction'>[]): JoinKeys {
    return {
      type: this.#transactionType,
      ids: headers.map(({ row }) => row.transaction_id),
      ats: headers.map(({ atUs }) => atUs),
    };
  }

  #from(table: TableName): string {
    return this.#options.relations.from(table);
  }

  #columns(table: TableName, time: string): string {
    const own = columnsOf(table).map((column) => `t.${column}`);
    return [...own, ...this.#version(time)].join(', ');
  }

  #version(time: string): readonly string[] {
    return [`${usSql(time)} AS own_us`, 't.xmin::text AS own_xmin', `${this.#versionUs('t')} AS version_us`];
  }

  #versionUs(alias: string): string {
    return this.#options.trackCommitTimestamp
      ? `(extract(epoch FROM pg_xact_commit_timestamp(${alias}.xmin)) * 1000000)::bigint`
      : 'NULL::bigint';
  }
}

function versioned<T extends TableName>(found: TextRow): Versioned<T> {
  const { own_us: atUs, own_xmin: xmin, version_us: versionUs, anchor_us: _anchor, ...row } = found;
  return {
    row: row as unknown as Row<T>,
    atUs: Number(atUs),
    versionUs: versionUs == null ? null : Number(versionUs),
    xmin: xmin as string,
  };
}

function min(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}

function max(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), -Infinity);
}
