import { openMapping, readMapping } from '../../src/mapping/open-mapping.js';
import type { Mapping } from '../../src/mapping/mapping.js';
import { openKnex } from '../../src/postgres/connection.js';
import { checkDatabase } from '../../src/postgres/preflight/check-database.js';
import { setUp, type SetupOptions, type StepReport } from '../../src/postgres/setup.js';
import type { Finding } from '../../src/preflight/finding.js';
import { setUpReplaySlot } from '../../src/replay/setup-replay-slot.js';
import { compareStart } from '../../src/replication/startup.js';
import { mappingOf } from '../config/read-mapping.js';
import { PUBLICATION, slotOf } from './captured.js';
import { testDatabase, type TestDatabase } from './postgres.js';

export interface MappedDatabase extends AsyncDisposable {
  readonly db: TestDatabase;
  /** `server_version_num`. */
  readonly version: number;
  readonly slotName: string;
  /** As the file fits the database now. @throws ConnectorError MAPPING_WRONG */
  mapping(yaml?: string): Promise<Mapping>;
  setUp(options?: Partial<SetupOptions>): Promise<readonly StepReport[]>;
  /** Findings of `check` that are no ok, without those of the test's server. */
  check(): Promise<readonly Finding[]>;
  /** Does what a finding says. */
  apply(fix: string): Promise<void>;
}

export interface MappedDatabaseOptions {
  /** SQL that makes the user's database. */
  readonly schema: string;
  /** A `connector.yaml`. */
  readonly yaml: string;
}

/** A database with a schema of its own and a mapping of it, for what set-up and check do; nothing streams. */
export async function mappedDatabase({ schema, yaml }: MappedDatabaseOptions): Promise<MappedDatabase> {
  const db = await testDatabase({ migrate: false });
  await db.sql(schema);
  const knex = openKnex({ url: db.url });
  const slotName = slotOf(db);
  const common = { database: { url: db.url }, publicationName: PUBLICATION, slotName, compareStart };
  const { rows } = await db.sql<{ version: number }>(
    `SELECT current_setting('server_version_num')::int AS version`,
  );
  const mapping = async (text = yaml): Promise<Mapping> => openMapping(knex, mappingOf(text));
  const settingUp = async (options: Partial<SetupOptions> = {}): Promise<readonly StepReport[]> =>
    setUp(knex, { ...common, mapping: await mapping(), replaySlot: setUpReplaySlot, ...options });
  return {
    db,
    version: rows[0]?.version ?? 0,
    slotName,
    mapping,
    setUp: settingUp,
    check: async () => {
      const readNow = async () => readMapping(knex, mappingOf(yaml));
      const findings = await checkDatabase({ ...common, readMapping: readNow });
      return findings.filter(({ id, level }) => level !== 'ok' && id !== 'slot-wal-keep-size');
    },
    apply: async (fix) => {
      if (fix === 'paytronix-segment setup') await settingUp();
      else await db.sql(fix);
    },
    [Symbol.asyncDispose]: async () => {
      await knex.destroy();
      await db.close();
    },
  };
}
