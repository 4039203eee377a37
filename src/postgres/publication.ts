import type { Knex } from 'knex';

import type { SourceTables } from '../mapping/mapping.js';
import { REFERENCE_MAPPING } from '../mapping/reference.js';
import { columnsOf } from '../mapping/source-tables.js';
import { quoteName, quoteTable, quoteText, rowOf } from './query.js';

/** A table as a publication lists it. `columns` null: whole. `rowFilter` null: every row. */
export interface PublishedTable {
  readonly table: string;
  readonly columns: readonly string[] | null;
  readonly rowFilter: string | null;
  /**
   * oid of the publication's entry; null when the table is there through its schema or FOR ALL TABLES. A table taken
   * out and put back has another one: the only trace of rows that were not sent in between.
   */
  readonly entryOid: number | null;
}

/** What a publication sends, and the identities that tell it from one re-created under the same name. */
export interface PublicationFingerprint {
  readonly oid: number;
  readonly tables: readonly PublishedTable[];
  readonly publishViaRoot: boolean;
  /** Kinds of change, sorted: of delete, insert, truncate, update. */
  readonly publish: readonly string[];
  /**
   * STORED generated columns of tables without a column list are sent, too (PostgreSQL 18 and newer); absent: they are
   * not. Absent, not false, so that the fingerprint of a publication without it is the one that earlier releases stored.
   */
  readonly publishGenerated?: true;
}

/**
 * A subquery giving the fingerprint as jsonb, NULL without such a publication. Written in SQL, not assembled here,
 * because `setup --print` stores the same value from a script that has no connector at hand.
 * Runs on PostgreSQL 15 and newer.
 * @see https://www.postgresql.org/docs/current/view-pg-publication-tables.html
 */
export function fingerprintSql(publication: string): string {
  return `(
  SELECT jsonb_build_object(
    'oid', p.oid::bigint,
    'publishViaRoot', p.pubviaroot,
    'publish', to_jsonb(array_remove(ARRAY[
      CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubinsert THEN 'insert' END,
      CASE WHEN p.pubtruncate THEN 'truncate' END, CASE WHEN p.pubupdate THEN 'update' END], NULL)),
    'tables', (
      SELECT COALESCE(jsonb_agg(jsonb_build_object(
          'table', t.schemaname || '.' || t.tablename,
          'columns', CASE WHEN r.prattrs IS NULL THEN NULL ELSE to_jsonb(t.attnames::text[]) END,
          'rowFilter', t.rowfilter,
          'entryOid', r.oid::bigint
        ) ORDER BY (t.schemaname || '.' || t.tablename) COLLATE "C"), '[]')
      FROM pg_publication_tables t
      JOIN pg_namespace n ON n.nspname = t.schemaname
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
      LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
      WHERE t.pubname = p.pubname))
    || CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN '${GENERATED}'::jsonb ELSE '{}' END
  FROM pg_publication p WHERE p.pubname = ${quoteText(publication)})`;
}

/** Of a fingerprint: without it, the publication sends less. */
export const GENERATED = '{"publishGenerated": true}';

/** The publication as it stands, null when there is none. @throws ConnectorError DATABASE_… */
export async function readPublication(
  knex: Knex,
  publication: string,
): Promise<PublicationFingerprint | null> {
  const { fingerprint } = await rowOf<{ fingerprint: PublicationFingerprint | null }>(
    knex,
    'reading the publication',
    `SELECT ${fingerprintSql(publication)} AS fingerprint`,
  );
  return fingerprint;
}

/**
 * Differences in words, empty when the two send the same from the same entries. Anything here means that rows may have
 * been lost between the two readings: on PostgreSQL 18 a publication dropped and re-created loses them with no more
 * than a warning in the server's log.
 */
export function comparePublication(
  stored: PublicationFingerprint,
  current: PublicationFingerprint | null,
): readonly string[] {
  if (current === null) return ['the publication is gone'];
  const differences: string[] = [];
  if (stored.oid !== current.oid) differences.push('the publication was dropped and created again');
  if (stored.publishViaRoot !== current.publishViaRoot) {
    differences.push(`publish_via_partition_root was turned ${current.publishViaRoot ? 'on' : 'off'}`);
  }
  if (stored.publish.join() !== current.publish.join()) {
    differences.push(`it publishes ${current.publish.join(', ')} instead of ${stored.publish.join(', ')}`);
  }
  if (stored.publishGenerated !== current.publishGenerated) {
    const now = current.publishGenerated === true ? 'stored' : 'none';
    differences.push(`publish_generated_columns was set to ${now}`);
  }
  const before = byName(stored);
  const after = byName(current);
  for (const [name, entry] of before) {
    const now = after.get(name);
    if (now === undefined) differences.push(`${name} was taken out`);
    else differences.push(...compareTable(entry, now, stored.oid === current.oid));
  }
  for (const name of after.keys()) if (!before.has(name)) differences.push(`${name} was added`);
  return differences;
}

function compareTable(before: PublishedTable, after: PublishedTable, samePublication: boolean): string[] {
  const differences: string[] = [];
  const columns = describeColumns(after.columns);
  if (describeColumns(before.columns) !== columns) {
    differences.push(
      `${before.table} is published with ${columns} instead of ${describeColumns(before.columns)}`,
    );
  }
  if (before.rowFilter !== after.rowFilter) differences.push(`the row filter of ${before.table} changed`);
  if (differences.length === 0 && samePublication && before.entryOid !== after.entryOid) {
    differences.push(`${before.table} was taken out and put back`);
  }
  return differences;
}

function describeColumns(columns: readonly string[] | null): string {
  return columns === null ? 'all columns' : `columns ${[...columns].sort().join(', ')}`;
}

function byName(publication: PublicationFingerprint): ReadonlyMap<string, PublishedTable> {
  return new Map(publication.tables.map((entry) => [entry.table, entry]));
}

/** What the connector asks to be published: columns by table, null = the whole table. */
export type DesiredPublication = ReadonlyMap<string, readonly string[] | null>;

export interface DesiredOptions {
  /** Default: the reference schema's. */
  readonly tables?: SourceTables;
  /** Publish whole tables, for owners who must be free to drop columns. Default false. */
  readonly wholeTables?: boolean;
  /**
   * Tables that have REPLICA IDENTITY FULL already, on themselves or a partition. They are published whole whatever
   * the mapping says: with a column list every UPDATE on them would fail for the application.
   */
  readonly alreadyFull?: ReadonlySet<string>;
  /**
   * Columns of an identity index, by table, that the mapping does not list: a column list must have them, or every
   * UPDATE fails.
   */
  readonly identityColumns?: ReadonlyMap<string, readonly string[]>;
}

export function desiredPublication(options: DesiredOptions = {}): DesiredPublication {
  const { tables = REFERENCE_MAPPING.tables } = options;
  return new Map(
    [...tables.values()].map((table) => {
      const { name, key, identity } = table;
      const whole =
        options.wholeTables === true || identity === 'full' || options.alreadyFull?.has(name) === true;
      if (whole) return [name, null] as const;
      const extra = options.identityColumns?.get(name) ?? [];
      return [name, [...new Set([...columnsOf(table), ...key, ...extra])]] as const;
    }),
  );
}

/**
 * What keeps a publication from being the desired one, in words; identities do not matter here.
 * @param generated whether generated columns are to be published, which only a server of 18 or newer can. Default: no
 */
export function missingFromPublication(
  desired: DesiredPublication,
  current: PublicationFingerprint,
  { generated = false }: { readonly generated?: boolean } = {},
): readonly string[] {
  const wanted: PublicationFingerprint = {
    oid: current.oid,
    publishViaRoot: true,
    publish: PUBLISHED_KINDS,
    ...(generated ? { publishGenerated: true } : {}),
    tables: [...desired].map(([table, columns]) => ({ table, columns, rowFilter: null, entryOid: null })),
  };
  const anonymous = current.tables.map((entry) => ({ ...entry, entryOid: null }));
  return comparePublication({ ...current, tables: anonymous }, wanted);
}

/** TRUNCATE is not published: it says nothing of a guest, and emptying a table for maintenance must emit nothing. */
const PUBLISHED_KINDS: readonly string[] = ['delete', 'insert', 'update'];

const PUBLICATION_OPTIONS = `publish = 'insert, update, delete', publish_via_partition_root = true`;

export function createPublicationSql(publication: string, desired: DesiredPublication): string {
  return `CREATE PUBLICATION ${quoteName(publication)} FOR TABLE
  ${tableList(desired)}
  WITH (${PUBLICATION_OPTIONS})`;
}

/** SET TABLE leaves entries alone that already are as wanted, so their identities do not change. */
export function alterPublicationSql(publication: string, desired: DesiredPublication): readonly string[] {
  return [
    `ALTER PUBLICATION ${quoteName(publication)} SET TABLE
  ${tableList(desired)}`,
    `ALTER PUBLICATION ${quoteName(publication)} SET (${PUBLICATION_OPTIONS})`,
  ];
}

/**
 * With it a generated column can be mapped in a table that is published whole, and one that is added to a table with
 * REPLICA IDENTITY FULL does not make every UPDATE of it fail. Column lists are not touched by it. PostgreSQL 18 and newer.
 */
export function publishGeneratedSql(publication: string): string {
  return `ALTER PUBLICATION ${quoteName(publication)} SET (publish_generated_columns = stored)`;
}

function tableList(desired: DesiredPublication): string {
  return [...desired]
    .map(([table, columns]) =>
      columns === null ? quoteTable(table) : `${quoteTable(table)} (${columns.map(quoteName).join(', ')})`,
    )
    .join(',\n  ');
}
