import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

import { startEmbeddedPostgres, startSystemPostgres } from '../src/demo/embedded-postgres.js';
import { openKnex } from '../src/postgres/connection.js';
import { migrateConnector, migrateReference } from '../src/postgres/migrate.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser URL of the shared cluster, database `postgres`. */
    clusterUrl: string;
    /** The connector's `main.js` as it is shipped, compiled for this run. */
    connectorMain: string;
  }
}

export const MIGRATED_TEMPLATE = 'migrated_template';

/**
 * One cluster for the whole run: embedded PostgreSQL 18, or the programs in TEST_POSTGRES_BIN. And one compiled connector:
 * processes that tests kill and start again by the hundred come up in a fraction of the time.
 */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const root = new URL('..', import.meta.url).pathname;
  // Of this run alone: beside it others may build, or run what they have built. Under `dist` the package's type holds.
  const compiled = `${root}dist/test-${process.pid}-${project.name}`;
  await promisify(execFile)(`${root}node_modules/.bin/tsc`, [
    '-p',
    `${root}tsconfig.build.json`,
    '--outDir',
    compiled,
  ]);
  project.provide('connectorMain', `${compiled}/src/main.js`);
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
  return async () => {
    await server.stop();
    await rm(compiled, { recursive: true });
  };
}
