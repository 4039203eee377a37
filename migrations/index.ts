import type { Knex } from 'knex';

import * as connector0001 from './0001-connector.js';
import * as reference0001 from './0001-reference.js';
import * as connectorBackfill from './connector-backfill.js';
import * as connectorReconcile from './connector-reconcile.js';
import * as connectorReplayRun from './connector-replay-run.js';
import * as connectorReplaySlot from './connector-replay-slot.js';
import * as connectorSource from './connector-source.js';

export interface NamedMigration {
  /** Without a file extension: what is recorded must not differ between sources (.ts) and the build (.js). */
  readonly name: string;
  readonly migration: Knex.Migration;
  /** The same as statements for `setup --print`; null where a migration is never printed. */
  readonly statements: readonly string[] | null;
}

/** Append-only, in order. A published entry is never edited, renamed or removed. */
export const CONNECTOR_MIGRATIONS: readonly NamedMigration[] = [
  { name: '0001-connector', migration: connector0001, statements: connector0001.STATEMENTS },
  {
    name: 'connector_replay_slot',
    migration: connectorReplaySlot,
    statements: connectorReplaySlot.STATEMENTS,
  },
  { name: 'connector_replay_run', migration: connectorReplayRun, statements: connectorReplayRun.STATEMENTS },
  { name: 'connector_backfill', migration: connectorBackfill, statements: connectorBackfill.STATEMENTS },
  { name: 'connector_reconcile', migration: connectorReconcile, statements: connectorReconcile.STATEMENTS },
  { name: 'connector_source', migration: connectorSource, statements: connectorSource.STATEMENTS },
];

/** The reference loyalty schema: for the demo and the tests. A production database has its own. */
export const REFERENCE_MIGRATIONS: readonly NamedMigration[] = [
  { name: '0001-reference', migration: reference0001, statements: null },
];

/** An explicit list instead of a directory scan: the same in a build, an image and a test. */
export function migrationSource(list: readonly NamedMigration[]): Knex.MigrationSource<NamedMigration> {
  return {
    getMigrations: () => Promise.resolve([...list]),
    getMigrationName: (entry) => entry.name,
    getMigration: (entry) => Promise.resolve(entry.migration),
  };
}
