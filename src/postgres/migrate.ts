import type { Knex } from 'knex';

import {
  CONNECTOR_MIGRATIONS,
  migrationSource,
  REFERENCE_MIGRATIONS,
  type NamedMigration,
} from '../../migrations/index.js';
import { ConnectorError } from '../errors/connector-error.js';
import { rowsOf } from './query.js';

export const CONNECTOR_SCHEMA = 'segment_connector';

interface MigrationSet {
  readonly schema: string;
  readonly table: string;
  readonly list: readonly NamedMigration[];
}

const CONNECTOR_SET: MigrationSet = {
  schema: CONNECTOR_SCHEMA,
  table: 'migration',
  list: CONNECTOR_MIGRATIONS,
};
const REFERENCE_SET: MigrationSet = { schema: 'reference', table: 'migration', list: REFERENCE_MIGRATIONS };

/** Any constant: every connector process that migrates the same database takes the same lock. */
const ADVISORY_LOCK_KEY = '7164921';

export interface Migrated {
  /** Names applied now, in order; empty when the schema was up to date. */
  readonly applied: readonly string[];
}

/**
 * Brings schema `segment_connector` up to date, in one transaction under an advisory lock: several processes may
 * call it at once, and one that dies leaves nothing half done.
 * @throws ConnectorError SCHEMA_NEWER when the database has migrations this version does not know.
 */
export async function migrateConnector(knex: Knex): Promise<Migrated> {
  return migrate(knex, CONNECTOR_SET);
}

/** The reference loyalty schema, for the demo and the tests. */
export async function migrateReference(knex: Knex): Promise<Migrated> {
  return migrate(knex, REFERENCE_SET);
}

/** Which connector migrations the database has and lacks; reads only. @throws ConnectorError SCHEMA_NEWER */
export async function connectorMigrationState(knex: Knex): Promise<{ applied: string[]; missing: string[] }> {
  const { schema, table, list } = CONNECTOR_SET;
  const applied = await namesApplied(knex, CONNECTOR_SET);
  refuseNewer(applied, list, `${schema}.${table}`);
  return { applied, missing: list.map(({ name }) => name).filter((name) => !applied.includes(name)) };
}

/** What a DBA runs by hand in place of `migrateConnector`: the same statements, each migration only once. */
export function connectorSchemaStatements(): {
  readonly bookkeeping: readonly string[];
  readonly migrations: readonly { readonly name: string; readonly statements: readonly string[] }[];
} {
  return {
    bookkeeping: bookkeepingStatements(CONNECTOR_SET),
    migrations: CONNECTOR_SET.list.map(({ name, statements }) => ({
      name,
      statements: [
        ...(statements ?? []),
        `INSERT INTO ${CONNECTOR_SCHEMA}.migration (name, batch, migration_time) VALUES ('${name}', 1, now())`,
      ],
    })),
  };
}

/** knex looks for its two tables by name and makes them only when missing: making them here keeps one definition. */
function bookkeepingStatements({ schema, table }: MigrationSet): string[] {
  return [
    `CREATE SCHEMA IF NOT EXISTS ${schema}`,
    `CREATE TABLE IF NOT EXISTS ${schema}.${table} (
  id serial PRIMARY KEY, name varchar(255), batch integer, migration_time timestamptz
)`,
    `CREATE TABLE IF NOT EXISTS ${schema}.${table}_lock (index serial PRIMARY KEY, is_locked integer)`,
    `INSERT INTO ${schema}.${table}_lock (is_locked) SELECT 0 WHERE NOT EXISTS (SELECT FROM ${schema}.${table}_lock)`,
  ];
}

async function migrate(knex: Knex, set: MigrationSet): Promise<Migrated> {
  // Looked at before anything is created: a role that may only use an up-to-date schema needs no CREATE right.
  const before = await namesApplied(knex, set);
  refuseNewer(before, set.list, `${set.schema}.${set.table}`);
  if (before.length === set.list.length) return { applied: [] };
  return knex.transaction(async (transaction) => {
    await transaction.raw(`SELECT pg_advisory_xact_lock(${ADVISORY_LOCK_KEY})`);
    refuseNewer(await namesApplied(transaction, set), set.list, `${set.schema}.${set.table}`);
    for (const statement of bookkeepingStatements(set)) await transaction.raw(statement);
    const [, applied] = (await transaction.migrate.latest({
      schemaName: set.schema,
      tableName: set.table,
      migrationSource: migrationSource(set.list),
    })) as [number, string[]];
    return { applied };
  });
}

async function namesApplied(knex: Knex, { schema, table }: MigrationSet): Promise<string[]> {
  const doing = 'reading which migrations were applied';
  const [present] = await rowsOf<{ there: boolean }>(
    knex,
    doing,
    `SELECT to_regclass(?) IS NOT NULL AS there`,
    [`${schema}.${table}`],
  );
  if (present?.there !== true) return [];
  const names = await rowsOf<{ name: string }>(
    knex,
    doing,
    `SELECT name FROM ${schema}.${table} ORDER BY id`,
  );
  return names.map(({ name }) => name);
}

function refuseNewer(applied: readonly string[], list: readonly NamedMigration[], table: string): void {
  const unknown = applied.filter((name) => !list.some((known) => known.name === name));
  if (unknown.length === 0) return;
  throw new ConnectorError('SCHEMA_NEWER', `${table} names migrations this version does not know`, {
    facts: { migrations: unknown.join(', ') },
  });
}
