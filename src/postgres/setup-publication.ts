import type { Knex } from 'knex';

import { ConnectorError } from '../errors/connector-error.js';
import { REFERENCE_MAPPING } from '../mapping/reference.js';
import { withIdentity } from '../mapping/source-tables.js';
import { storeFingerprintSql } from './baseline.js';
import { readTables } from './catalog.js';
import { GENERATED_SINCE, requireNoVirtualColumns } from './generated-columns.js';
import { closeGap, insertGap } from './gap-store.js';
import { requireNoClosingPublication } from './other-publications.js';
import {
  alterPublicationSql,
  createPublicationSql,
  missingFromPublication,
  publishGeneratedSql,
} from './publication.js';
import { quoteTable, rowsOf } from './query.js';
import { identitiesToSet, planPublication, requireIdentities, requireTables } from './setup-plan.js';
import type { SetupOptions, State, StepReport } from './setup-state.js';

const LOCK_TIMEOUT = '5s';

/**
 * Publication and replica identities change in one transaction: between the two an UPDATE of the application could fail
 * for want of an identity.
 */
export async function setUpPublication(
  knex: Knex,
  options: SetupOptions,
  state: State,
): Promise<StepReport[]> {
  const { tables } = options.mapping ?? REFERENCE_MAPPING;
  const found = await readTables(knex, tables);
  requireTables(tables, found);
  requireIdentities(tables, found);
  requireNoVirtualColumns(tables, found);
  const full = withIdentity(tables, 'full').flatMap(({ name }) => found.get(name) ?? []);
  await requireNoClosingPublication(knex, full, options.publicationName);
  const desired = planPublication(tables, found, { wholeTables: options.wholeTables ?? false });
  const identities = identitiesToSet(tables, found);
  const generated = state.system.versionNumber >= GENERATED_SINCE;
  const differences =
    state.publication === null ? [] : missingFromPublication(desired, state.publication, { generated });
  const name = options.publicationName;
  const changes =
    state.publication === null
      ? [createPublicationSql(name, desired)]
      : differences.length > 0
        ? alterPublicationSql(name, desired)
        : [];
  const statements = [...changes, ...(generated && changes.length > 0 ? [publishGeneratedSql(name)] : [])];
  if (state.publication !== null && differences.length > 0)
    await refuseAllTables(knex, options.publicationName);

  await knex.transaction(async (transaction) => {
    // A waiting ALTER TABLE makes every later reader of the table wait behind it: rather give up soon.
    await rowsOf(transaction, 'setting the lock timeout', `SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
    for (const statement of statements) await rowsOf(transaction, 'setting up the publication', statement);
    for (const table of identities) {
      const statement = `ALTER TABLE ${quoteTable(table)} REPLICA IDENTITY FULL`;
      await rowsOf(transaction, `setting the replica identity of ${table}`, statement);
    }
    if (state.checkpoint !== null && (statements.length > 0 || state.drift.length > 0)) {
      await recordPublicationChange(transaction, options, state, [...state.drift, ...differences]);
    } else if (state.checkpoint !== null && state.added.length > 0) {
      await storeFingerprint(transaction, options);
    }
  });
  return [publicationReport(options, state, differences, desired.size), identityReport(identities)];
}

async function recordPublicationChange(
  transaction: Knex,
  options: SetupOptions,
  state: State,
  differences: readonly string[],
): Promise<void> {
  const gap = await insertGap(transaction, {
    slotName: options.slotName,
    source: null,
    fromLsn: state.checkpoint?.endLsn ?? null,
    toLsn: state.system.walLsn,
    fromTimeUs: state.checkpoint?.commitTimeUs ?? null,
    toTimeUs: state.system.nowUs,
    reason: `publication ${options.publicationName}: ${differences.join('; ')}`,
  });
  // Asked for by whoever ran set-up, so nothing is left to repair; what was changed behind its back stays open.
  if (state.drift.length === 0) await closeGap(transaction, gap, 'setup');
  await storeFingerprint(transaction, options);
}

async function storeFingerprint(transaction: Knex, options: SetupOptions): Promise<void> {
  await rowsOf(
    transaction,
    'storing what is published',
    storeFingerprintSql(options.publicationName, options.slotName),
  );
}

async function refuseAllTables(knex: Knex, publicationName: string): Promise<void> {
  const [found] = await rowsOf<{ everything: boolean }>(
    knex,
    'reading the publication',
    `SELECT p.puballtables OR EXISTS (SELECT FROM pg_publication_namespace n WHERE n.pnpubid = p.oid) AS everything
    FROM pg_publication p WHERE p.pubname = ?`,
    [publicationName],
  );
  if (found?.everything !== true) return;
  throw new ConnectorError(
    'SETUP_REFUSED',
    `publication ${publicationName} publishes all tables of a database or schema, now and later; name another one in ` +
      'PUBLICATION_NAME, or drop it',
  );
}

function publicationReport(
  options: SetupOptions,
  state: State,
  differences: readonly string[],
  tables: number,
): StepReport {
  const step = 'publication';
  const name = options.publicationName;
  if (state.publication === null) return { step, did: 'created', detail: `${name}, ${tables} tables` };
  if (differences.length > 0) return { step, did: 'changed', detail: `${name}: ${differences.join('; ')}` };
  return { step, did: 'kept', detail: `${name} publishes what is needed` };
}

function identityReport(identities: readonly string[]): StepReport {
  const step = 'replica identity';
  if (identities.length === 0) return { step, did: 'kept', detail: 'FULL where an event needs old rows' };
  return { step, did: 'changed', detail: `FULL on ${identities.join(', ')}` };
}
