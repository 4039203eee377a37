import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../src/config/parse.js';
import type { Mapping } from '../../src/mapping/mapping.js';
import { openMapping } from '../../src/mapping/open-mapping.js';
import type { MappingSpec } from '../../src/mapping/spec.js';
import { openKnex } from '../../src/postgres/connection.js';
import { setUp } from '../../src/postgres/setup.js';
import { setUpReplaySlot } from '../../src/replay/setup-replay-slot.js';
import { compareStart } from '../../src/replication/startup.js';
import { captured, PUBLICATION, slotOf, type Captured, type CapturedOptions } from './captured.js';
import type { TestDatabase } from './postgres.js';

/** What a `connector.yaml` of these lines says of the tables. */
export async function mappingSpec(yaml: string): Promise<MappingSpec> {
  const directory = await mkdtemp(join(tmpdir(), 'mapping-'));
  try {
    const file = join(directory, 'connector.yaml');
    await writeFile(file, yaml);
    return parseConfig({ CONFIG_FILE: file }, { command: 'check' }).mapping;
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** The mapping of these lines, bound to the database. @throws ConnectorError MAPPING_WRONG */
export async function mappingOf(db: TestDatabase, yaml: string): Promise<Mapping> {
  const knex = openKnex({ url: db.url });
  try {
    return await openMapping(knex, await mappingSpec(yaml));
  } finally {
    await knex.destroy();
  }
}

/** Capture, set up and streaming, over a database with a schema of its own. */
export async function mappedCapture(
  db: TestDatabase,
  yaml: string,
  options: Omit<CapturedOptions, 'mapping'> = {},
): Promise<Captured> {
  const mapping = await mappingOf(db, yaml);
  const knex = openKnex({ url: db.url });
  try {
    await setUp(knex, {
      database: { url: db.url },
      slotName: slotOf(db),
      publicationName: PUBLICATION,
      mapping,
      compareStart,
      replaySlot: setUpReplaySlot,
    });
  } finally {
    await knex.destroy();
  }
  return captured(db, { ...options, mapping });
}
