import type { Knex } from 'knex';

import type { SourceTables } from '../../mapping/mapping.js';
import { columnsOf, schemasOf } from '../../mapping/source-tables.js';
import { failure, ok, type Finding } from '../../preflight/finding.js';
import { CONNECTOR_SCHEMA } from '../migrate.js';
import { quoteName, rowOf, rowsOf } from '../query.js';
import { grantSelectSql } from '../setup-sql.js';

/** What the role may and may not do; names only of what exists. */
export interface RightsFacts {
  readonly role: string;
  readonly mayReplicate: boolean;
  /** Schemas without USAGE. */
  readonly closedSchemas: readonly string[];
  /** Tables with the mapped columns (and `xmin`) the role may not read. */
  readonly unreadable: ReadonlyMap<string, readonly string[]>;
  /** Tables of the connector's schema without SELECT, INSERT, UPDATE and DELETE. */
  readonly unwritable: readonly string[];
}

const ROLE_SQL = `SELECT r.rolname::text AS role, r.rolreplication OR r.rolsuper OR EXISTS (
    -- Amazon RDS gives replication through membership instead of the attribute.
    SELECT FROM pg_roles g WHERE g.rolname = 'rds_replication' AND pg_has_role(r.oid, g.oid, 'MEMBER')) AS may_replicate
  FROM pg_roles r WHERE r.rolname = current_user`;

const SCHEMAS_SQL = `SELECT nspname::text AS name FROM pg_namespace
  WHERE nspname = ANY(?) AND NOT has_schema_privilege(oid, 'USAGE') ORDER BY 1`;

const COLUMNS_SQL = `SELECT n.nspname || '.' || c.relname AS table, a.attname::text AS column
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE n.nspname || '.' || c.relname = ANY(?) AND strpos(n.nspname, '.') = 0 AND NOT a.attisdropped AND (a.attnum > 0 OR a.attname = 'xmin')
    AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT') ORDER BY 1, a.attnum`;

const STATE_SQL = `SELECT c.relname::text AS name FROM pg_class c
  WHERE c.relnamespace = to_regnamespace('${CONNECTOR_SCHEMA}') AND c.relkind = 'r' AND NOT (
    has_table_privilege(c.oid, 'SELECT') AND (c.relname LIKE 'migration%'
      OR has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')
        AND has_table_privilege(c.oid, 'DELETE'))) ORDER BY 1`;

/** @throws ConnectorError DATABASE_… */
export async function readRights(knex: Knex, tables: SourceTables): Promise<RightsFacts> {
  const doing = 'reading the rights of the role';
  const role = await rowOf<{ role: string; may_replicate: boolean }>(knex, doing, ROLE_SQL);
  const schemas = [...schemasOf(tables), CONNECTOR_SCHEMA];
  const closed = await rowsOf<{ name: string }>(knex, doing, SCHEMAS_SQL, [schemas]);
  const columns = await rowsOf<{ table: string; column: string }>(knex, doing, COLUMNS_SQL, [
    [...tables.keys()],
  ]);
  const state = await rowsOf<{ name: string }>(knex, doing, STATE_SQL);
  return {
    role: role.role,
    mayReplicate: role.may_replicate,
    closedSchemas: closed.map(({ name }) => name),
    unreadable: unreadableByTable(tables, columns),
    unwritable: state.map(({ name }) => name),
  };
}

function unreadableByTable(
  tables: SourceTables,
  columns: readonly { table: string; column: string }[],
): Map<string, string[]> {
  const byTable = new Map<string, string[]>();
  for (const { table, column } of columns) {
    const mapped = tables.get(table);
    if (mapped === undefined || (column !== 'xmin' && !columnsOf(mapped).includes(column))) continue;
    byTable.set(table, [...(byTable.get(table) ?? []), column]);
  }
  return byTable;
}

export function judgeRights(facts: RightsFacts, tables: SourceTables): readonly Finding[] {
  const role = quoteName(facts.role);
  const findings: Finding[] = [judgeReplication(facts, role)];
  for (const schema of facts.closedSchemas) {
    findings.push(
      failure(
        'schema-usage',
        `role ${facts.role} may not use schema ${schema}`,
        'Nothing in it can be read.',
        `GRANT USAGE ON SCHEMA ${quoteName(schema)} TO ${role};`,
      ),
    );
  }
  for (const [table, columns] of facts.unreadable) {
    findings.push(
      failure(
        'table-select',
        `role ${facts.role} may not read ${columns.join(', ')} of ${table}`,
        'Guests, accounts and balances are read from the tables when they are seen for the first time.',
        `${grantSelectSql(table, role, tables)};`,
      ),
    );
  }
  for (const table of facts.unwritable) {
    findings.push(
      failure(
        'state-write',
        `role ${facts.role} may not write ${CONNECTOR_SCHEMA}.${table}`,
        'The checkpoint must be stored before a position is confirmed.',
        `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${CONNECTOR_SCHEMA} TO ${role};`,
      ),
    );
  }
  if (findings.length === 1)
    findings.push(ok('rights', `role ${facts.role} can read and write what it needs`));
  return findings;
}

function judgeReplication({ role, mayReplicate }: RightsFacts, quoted: string): Finding {
  const id = 'replication-right';
  if (mayReplicate) return ok(id, `role ${role} may replicate`);
  return failure(
    id,
    `role ${role} may not replicate`,
    'The stream is a replication connection.',
    `ALTER ROLE ${quoted} REPLICATION; -- on Amazon RDS: GRANT rds_replication TO ${quoted};`,
  );
}
