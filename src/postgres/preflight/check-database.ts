import type { Knex } from 'knex';

import { ConnectorError } from '../../errors/connector-error.js';
import { systemClock, type Clock } from '../../lifecycle/clock.js';
import type { Bound } from '../../mapping/bind.js';
import type { Mapping } from '../../mapping/mapping.js';
import { REFERENCE_MAPPING } from '../../mapping/reference.js';
import { failure, ok, type Finding } from '../../preflight/finding.js';
import type { compareStart } from '../../replication/startup.js';
import { readTables, type TableFacts } from '../catalog.js';
import { readCheckpoint } from '../checkpoint-store.js';
import { addressOf, openKnex, type DatabaseOptions } from '../connection.js';
import { hasFull } from '../generated-columns.js';
import { connectorMigrationState } from '../migrate.js';
import { describeClosing, readClosingPublications } from '../other-publications.js';
import { comparePublication, readPublication } from '../publication.js';
import { onlyAdds } from '../publication-change.js';
import { rowOf, rowsOf } from '../query.js';
import { readSlot, replaySlotName, type SlotState } from '../slot.js';
import { readSystem } from '../system.js';
import { CLOSED } from './generated.js';
import { judgeCommitTimes } from './commit-times.js';
import { slowLookups } from './lookups.js';
import { judgeMapping } from './mapping.js';
import { judgePublication } from './publication.js';
import { judgeReplaySlot } from './replay-slot.js';
import { judgeRights, readRights } from './rights.js';
import { judgeServer, readServerFacts } from './server.js';
import { ACCEPT_GAP, judgeSlot, judgeStart } from './slot.js';
import { judgeTables, readTablesFacts } from './tables.js';

export interface CheckDatabaseOptions {
  readonly database: DatabaseOptions;
  readonly publicationName: string;
  readonly slotName: string;
  /** What a checkpoint, slot and server together mean: `compareStart` of the replication room. */
  readonly compareStart: typeof compareStart;
  /** What the tables mean, or why that is not known. Default: they are the reference schema's. */
  readonly readMapping?: (knex: Knex) => Promise<Bound>;
  /** Most WAL the replay slot may keep; null or absent: not compared with the server's own limit. */
  readonly replayMaxWalBytes?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/**
 * Everything on the PostgreSQL side that would keep capture from working or make it lose events. Reads only.
 * What cannot be asked for want of a connection is a finding, not an error; only a bug rejects.
 */
export async function checkDatabase(options: CheckDatabaseOptions): Promise<readonly Finding[]> {
  const knex = openKnex({ ...options.database, poolSize: 1 });
  const findings: Finding[] = [];
  try {
    await rowOf(knex, 'connecting', 'SELECT 1 AS one');
    findings.push(ok('connection', `connected to ${addressOf(options.database.url)}`));
    findings.push(...(await serverSection(knex, options)));
    const bound = await (options.readMapping ?? referenceMapping)(knex);
    findings.push(...judgeMapping(bound));
    if (bound.tag === 'bound') {
      const { mapping } = bound;
      findings.push(...(await rightsSection(knex, mapping)));
      findings.push(...(await schemaSection(knex, options, mapping)));
      findings.push(...(await captureSection(knex, options, mapping)));
    }
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const id = findings.length === 0 ? 'connection' : 'query';
    findings.push(
      failure(id, error.message, `${error.code} at ${addressOf(options.database.url)}`, error.advice),
    );
  } finally {
    await knex.destroy();
  }
  return findings;
}

async function serverSection(knex: Knex, options: CheckDatabaseOptions): Promise<readonly Finding[]> {
  const facts = await readServerFacts(knex, options.clock ?? systemClock);
  const [main, replay] = [
    await readSlot(knex, options.slotName),
    await readSlot(knex, replaySlotName(options.slotName)),
  ];
  return judgeServer(facts, { main: main !== null, replay: replay !== null });
}

async function referenceMapping(): Promise<Bound> {
  return { tag: 'bound', mapping: REFERENCE_MAPPING };
}

async function rightsSection(knex: Knex, { tables }: Mapping): Promise<readonly Finding[]> {
  return judgeRights(await readRights(knex, tables), tables);
}

async function schemaSection(
  knex: Knex,
  { publicationName }: CheckDatabaseOptions,
  mapping: Mapping,
): Promise<readonly Finding[]> {
  const tables = judgeTables(await readTablesFacts(knex, mapping, publicationName), mapping);
  const present = tables.every(({ level }) => level !== 'error');
  return [
    ...(await migrationFindings(knex)),
    ...tables,
    ...(present ? await slowLookups(knex, mapping) : []),
    ...(present ? await judgeCommitTimes(knex, mapping) : []),
  ];
}

async function migrationFindings(knex: Knex): Promise<readonly Finding[]> {
  try {
    const { missing } = await connectorMigrationState(knex);
    if (missing.length === 0) return [ok('migrations', 'schema segment_connector is up to date')];
    return [
      failure(
        'migrations',
        `schema segment_connector lacks ${missing.join(', ')}`,
        'The checkpoint and what was lost are kept there.',
        'paytronix-segment setup',
      ),
    ];
  } catch (error) {
    if (
      !(error instanceof ConnectorError) ||
      (error.code !== 'SCHEMA_NEWER' && error.code !== 'DATABASE_RIGHTS')
    ) {
      throw error;
    }
    return [
      failure('migrations', error.message, 'The checkpoint and what was lost are kept there.', error.advice),
    ];
  }
}

async function captureSection(
  knex: Knex,
  options: CheckDatabaseOptions,
  mapping: Mapping,
): Promise<readonly Finding[]> {
  const { slotName, publicationName } = options;
  const system = await readSystem(knex, options.database);
  const slot = await readSlot(knex, slotName);
  const publication = await readPublication(knex, publicationName);
  const tables = await readTables(knex, mapping.tables);
  const readable = await mayReadCheckpoint(knex);
  const checkpoint = readable ? await readCheckpoint(knex, slotName) : null;
  const drifted =
    checkpoint !== null &&
    comparePublication(checkpoint.publication, publication).length > 0 &&
    !onlyAdds(checkpoint.publication, publication);
  return [
    ...judgePublication({
      name: publicationName,
      publication,
      mapped: mapping.tables,
      tables,
      versionNumber: system.versionNumber,
      setupCommand: drifted ? ACCEPT_GAP : 'paytronix-segment setup',
    }),
    ...(await othersSection(knex, [...tables.values()].filter(hasFull), publicationName)),
    ...judgeSlot({
      slotName,
      database: system.database,
      slot,
      activeBy: await activeBy(knex, slot),
      hasCheckpoint: checkpoint !== null,
    }),
    ...judgeReplaySlot({
      name: replaySlotName(slotName),
      // Of another database there is nothing to say of its copy either; SLOT_NAME must be another.
      main: slot?.database === system.database ? slot : null,
      replay: await readSlot(knex, replaySlotName(slotName)),
      maxWalBytes: options.replayMaxWalBytes ?? null,
      maxSlotWalKeepMiB: await maxSlotWalKeepMiB(knex),
    }),
    // An unreadable or missing checkpoint table has its own finding; comparing without it would only mislead.
    ...(readable
      ? judgeStart(options.compareStart({ checkpoint, slot, system }), checkpoint, publication)
      : []),
  ];
}

async function othersSection(
  knex: Knex,
  tables: readonly TableFacts[],
  publicationName: string,
): Promise<readonly Finding[]> {
  const closing = await readClosingPublications(knex, tables, publicationName);
  return closing.map((each) => {
    const { what, fix } = describeClosing(each);
    return failure(
      'other-publication-and-full',
      `${each.table} has REPLICA IDENTITY FULL, and ${what}`,
      CLOSED,
      fix,
    );
  });
}

async function maxSlotWalKeepMiB(knex: Knex): Promise<number> {
  const { keep } = await rowOf<{ keep: number }>(
    knex,
    'reading max_slot_wal_keep_size',
    `SELECT setting::int AS keep FROM pg_settings WHERE name = 'max_slot_wal_keep_size'`,
  );
  return keep;
}

async function mayReadCheckpoint(knex: Knex): Promise<boolean> {
  const { may } = await rowOf<{ may: boolean }>(
    knex,
    'reading the rights of the role',
    `SELECT COALESCE((SELECT has_schema_privilege(c.relnamespace, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
      FROM pg_class c WHERE c.relname = 'checkpoint' AND c.relnamespace = to_regnamespace('segment_connector')), false) AS may`,
  );
  return may;
}

async function activeBy(knex: Knex, slot: SlotState | null): Promise<string | null> {
  if (slot === null || slot.activePid === null) return null;
  const [row] = await rowsOf<{ name: string | null }>(
    knex,
    'reading who streams',
    `SELECT application_name AS name FROM pg_stat_activity WHERE pid = ?`,
    [slot.activePid],
  );
  return row?.name ?? null;
}
