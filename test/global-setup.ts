import type { TestProject } from 'vitest/node';

import { startEmbeddedPostgres, startSystemPostgres } from '../src/demo/embedded-postgres.js';
import { openKnex } from '../src/postgres/connection.js';
import { migrateConnector, migrateReference } from '../src/postgres/migrate.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser URL of the shared cluster, database `postgres`. */
    clusterUrl: string;
  }
}

export const MIGRATED_TEMPLATE = 'migrated_template';

/** One cluster for the whole run: embedded PostgreSQL 18, or the programs in TEST_POSTGRES_BIN. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const binDirectory = process.env['TEST_POSTGRES_BIN'];
  const server = await (binDirectory === undefined || binDirectory === ''
    ? startEmbeddedPostgres()
    : startSystemPostgres(binDirectory));
  try {
    const admin = openKnex({ url: server.url() });
    await admin.raw(`CREATE DATABASE ${MIGRATED_TEMPLATE}`);
    await admin.destroy();
    const template = openKnex({ url: server.url(MIGRATED_TEMPLATE) });
    await migrateReference(template);
    await migrateConnector(template);
    await template.destroy();
  } catch (error) {
    await server.stop();
    throw error;
  }
  project.provide('clusterUrl', server.url());
  return () => server.stop();
}
