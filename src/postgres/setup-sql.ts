import type { Mapping, SourceTables } from '../mapping/mapping.js';
import { REFERENCE_MAPPING } from '../mapping/reference.js';
import { columnsOf, schemasOf, sourceTable, withIdentity } from '../mapping/source-tables.js';
import { baselineSql, storeFingerprintSql } from './baseline.js';
import { CONNECTOR_SCHEMA, connectorSchemaStatements } from './migrate.js';
import {
  alterPublicationSql,
  createPublicationSql,
  desiredPublication,
  fingerprintSql,
  GENERATED,
  publishGeneratedSql,
} from './publication.js';
import { GENERATED_SINCE } from './generated-columns.js';
import { quoteName, quoteTable, quoteText } from './query.js';
import { replaySlotName } from './slot.js';
import { membersGuard, regclasses, VIRTUAL_COLUMN } from './setup-guards.js';
import { SYSTEM_IDENTIFIER_SQL, TIMELINE_SQL } from './system.js';

export interface SetupScriptOptions {
  readonly publicationName: string;
  readonly slotName: string;
  /** The role the connector logs in as. */
  readonly role: string;
  /** Default: the tables are the reference schema's. */
  readonly mapping?: Mapping;
  /** Default false. */
  readonly wholeTables?: boolean;
  /** Default true. */
  readonly failover?: boolean;
}

/**
 * What `setup` does, as a script for psql: for a DBA who will not give the connector's role the rights to do it. Pure;
 * running it leaves what `setup` leaves (and the grants besides), and running it again changes nothing.
 */
export function setupScript(options: SetupScriptOptions): string {
  const { tables } = options.mapping ?? REFERENCE_MAPPING;
  return [
    header(options),
    schemaSection(),
    publicationSection(options, tables),
    slotSection(options),
    grantSection(options.role, tables),
    '',
  ].join('\n\n');
}

function header({ role, slotName, publicationName }: SetupScriptOptions): string {
  return `-- Prepares this database for paytronix-segment: publication ${comment(publicationName)}, slot ${comment(slotName)}.
-- Run it with psql on the primary, as a superuser or as the owner of the tables with CREATE on the database and the
-- REPLICATION attribute:
--   psql -X -f setup.sql "postgresql://…/<database>"
-- It can be run again at any time.
--
-- The connector's role, if there is none yet (it needs a line in pg_hba.conf for this database like any client):
--   CREATE ROLE ${comment(quoteName(role))} LOGIN REPLICATION PASSWORD '…';
\\set ON_ERROR_STOP on
SET lock_timeout = '5s';
SET client_min_messages = warning;`;
}

function schemaSection(): string {
  const { bookkeeping, migrations } = connectorSchemaStatements();
  const applied = migrations.map(
    ({
      name,
      statements,
    }) => `SELECT NOT EXISTS (SELECT FROM ${CONNECTOR_SCHEMA}.migration WHERE name = ${quoteText(name)}) AS todo \\gset
\\if :todo
BEGIN;
${statements.map(terminated).join('\n')}
COMMIT;
\\endif`,
  );
  return `-- ---- The connector's own tables: how far it is, and what was lost ----
${bookkeeping.map(terminated).join('\n')}
${applied.join('\n')}`;
}

function publicationSection(options: SetupScriptOptions, tables: SourceTables): string {
  const { publicationName, slotName, wholeTables = false } = options;
  const desired = desiredPublication({ tables, wholeTables });
  const listed = [...desired].filter(([, columns]) => columns !== null).map(([table]) => table);
  const whole = [...desired].filter(([, columns]) => columns === null).map(([table]) => table);
  const full = withIdentity(tables, 'full').map(({ name }) => name);
  return `-- ---- What is published, and the old rows events need ----
${
  wholeTables
    ? '-- Whole tables: their columns can be dropped and altered freely, and personal data no event uses is in the stream.'
    : `-- Tables with a column list are published with those columns alone, so that personal data no event uses never
-- leaves the database. While a column is listed, PostgreSQL refuses to DROP it or to ALTER its TYPE; take it out of
-- the publication first, or publish whole tables: paytronix-segment setup --print --whole-tables`
}
${membersGuard('with a column list', listed, `member.relreplident = 'f'`, 'have REPLICA IDENTITY FULL: together with a column list every UPDATE on them would fail. Run: paytronix-segment setup')}
${membersGuard(
  'without REPLICA IDENTITY FULL',
  withIdentity(tables, 'default').map(({ name }) => name),
  `(member.relreplident = 'n' OR member.relreplident = 'd' AND NOT EXISTS
        (SELECT FROM pg_index i WHERE i.indrelid = member.oid AND i.indisprimary))`,
  'have no primary key or other replica identity: once published, every UPDATE and DELETE on them would fail',
)}
${membersGuard('whole', whole, `(member.relreplident = 'f' OR root.oid = ANY(${regclasses(full)})) AND ${VIRTUAL_COLUMN}`, 'have a virtual generated column: with REPLICA IDENTITY FULL every UPDATE and DELETE on them would fail. Make it STORED')}
SELECT NOT EXISTS (SELECT FROM pg_publication WHERE pubname = ${quoteText(publicationName)}) AS todo,
  current_setting('server_version_num')::int >= ${GENERATED_SINCE} AS publishes_generated \\gset
BEGIN;
\\if :todo
-- A slot cannot send what changed before its publication was there.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = ${quoteText(slotName)}) THEN
    RAISE EXCEPTION 'the slot is older than the publication; run: paytronix-segment setup --accept-gap';
  END IF;
END
$$;
${terminated(createPublicationSql(publicationName, desired))}
\\else
-- Changed by hand since the connector last looked? Then rows may be missing, and only a decision of yours goes on.
DO $$
BEGIN
  IF EXISTS (SELECT FROM segment_connector.checkpoint WHERE slot_name = ${quoteText(slotName)}
      AND publication IS DISTINCT FROM ${fingerprintSql(publicationName)}
      AND publication || '${GENERATED}' IS DISTINCT FROM ${fingerprintSql(publicationName)}) THEN
    RAISE EXCEPTION 'the publication was changed by hand; run: paytronix-segment setup --accept-gap';
  END IF;
END
$$;
${alterPublicationSql(publicationName, desired).map(terminated).join('\n')}
\\endif
\\if :publishes_generated
${terminated(publishGeneratedSql(publicationName))}
\\endif
SELECT format('ALTER TABLE %s REPLICA IDENTITY FULL', member.oid::regclass)
FROM pg_class root CROSS JOIN LATERAL (SELECT root.oid UNION SELECT relid FROM pg_partition_tree(root.oid)) part(oid)
JOIN pg_class member ON member.oid = part.oid
WHERE root.oid = ANY(${regclasses(full)}) AND member.relreplident <> 'f' \\gexec
-- A running connector compares what is published with what it knows; without this it would stop at the next start.
${terminated(storeFingerprintSql(publicationName, slotName))}
COMMIT;`;
}

function slotSection({ slotName, publicationName, failover = true }: SetupScriptOptions): string {
  const slot = quoteText(slotName);
  const replay = quoteText(replaySlotName(slotName));
  const create = (extra: string): string =>
    `SELECT pg_create_logical_replication_slot(${slot}, 'pgoutput'${extra});`;
  return `-- ---- The replication slot, made after the publication, and where it begins ----
-- It waits for transactions that are open now, however long: the lock timeout is for tables, whose users would wait too.
SET lock_timeout = 0;
SELECT NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = ${slot}) AS todo,
  NOT EXISTS (SELECT FROM segment_connector.checkpoint WHERE slot_name = ${slot}) AS is_new,
  current_setting('server_version_num')::int >= 170000 AS has_failover, clock_timestamp() AS before_slot \\gset
\\if :todo
\\if :is_new
\\else
DO $$ BEGIN RAISE EXCEPTION 'the slot is gone, and commits with it; run: paytronix-segment setup --accept-gap'; END $$;
\\endif
\\if ${failover ? ':has_failover' : 'false'}
${create(', failover => true')}
\\else
${create('')}
\\endif
\\else
SELECT timestamptz 'epoch' AS before_slot \\gset
\\endif
-- A second slot trails behind: what it keeps can be sent again. A copy loses the failover property; the connector, which
-- can speak the replication protocol, sets it at its start.
SELECT pg_copy_logical_replication_slot(${slot}, ${replay})
WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = ${replay})
  AND EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = ${slot} AND NOT active);
${terminated(
  baselineSql({
    slotName,
    publicationName,
    systemIdentifier: SYSTEM_IDENTIFIER_SQL,
    timeline: TIMELINE_SQL,
    enabledFrom: `:'before_slot'::timestamptz`,
  }),
)}`;
}

function grantSection(role: string, tables: SourceTables): string {
  const name = quoteName(role);
  return `-- ---- Rights of the connector's role ----
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = ${quoteText(role)}) AS role_exists \\gset
\\if :role_exists
${grantStatements(name, tables).map(terminated).join('\n')}
\\else
\\warn 'There is no role' ${quoteText(name)} 'yet: make it as said above, then run this script again for its grants.'
\\endif`;
}

/** Column by column, so that the role can read no more than events use. */
function grantStatements(role: string, tables: SourceTables): string[] {
  return [
    `GRANT USAGE ON SCHEMA ${[...schemasOf(tables), CONNECTOR_SCHEMA].map(quoteName).join(', ')} TO ${role}`,
    ...[...tables.keys()].map((table) => grantSelectSql(table, role, tables)),
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${CONNECTOR_SCHEMA} TO ${role}`,
    `GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${CONNECTOR_SCHEMA} TO ${role}`,
  ];
}

/** `xmin` besides: pg_xact_commit_timestamp(xmin) tells which rows an earlier commit had. It says nothing of a guest. */
export function grantSelectSql(
  table: string,
  role: string,
  tables: SourceTables = REFERENCE_MAPPING.tables,
): string {
  const columns = [...columnsOf(sourceTable(tables, table)), 'xmin'].map(quoteName);
  return `GRANT SELECT (${columns.join(', ')}) ON ${quoteTable(table)} TO ${role}`;
}

function terminated(statement: string): string {
  return `${statement};`;
}

/** A name inside a comment must not end the line: what follows would be run. */
function comment(text: string): string {
  return text.replaceAll(/[\r\n]/g, ' ');
}
