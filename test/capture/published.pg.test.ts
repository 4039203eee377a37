import { afterEach, beforeEach, expect, test } from 'vitest';
import { compareAtStart, watchPublication } from '../../src/capture/start.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import { readCheckpoint } from '../../src/postgres/checkpoint-store.js';
import { openKnex } from '../../src/postgres/connection.js';
import { readGaps } from '../../src/postgres/gap-store.js';
import { captured, PUBLICATION } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { mappedDatabase, type MappedDatabase } from '../support/mapped-database.js';

const SCHEMA = `
  CREATE TABLE member (id int PRIMARY KEY, given text, joined timestamptz DEFAULT now());
  CREATE TABLE visit (no int PRIMARY KEY, member int NOT NULL, place int, at timestamptz DEFAULT now());
  INSERT INTO member (id, given) VALUES (1, 'Ann')`;
const YAML = `
mapping:
  zone: UTC
  merchant: { rows: [{ merchant_id: 1, name: Shop, default_timezone: UTC }] }
  guest: { table: member, columns: { user_id: id } }
  account: { table: member, columns: { account_id: id, user_id: id, registered_at: joined } }
  check_in: { table: visit, columns: { checkin_id: no, account_id: member, checkin_time: at } }`;
const WIDER = YAML.replace('user_id: id }', 'user_id: id, first_name: given }');
const NARROWER = YAML.slice(0, YAML.indexOf('\n  check_in'));

let mapped: MappedDatabase;

beforeEach(async () => {
  mapped = await mappedDatabase({ schema: SCHEMA, yaml: YAML });
  await mapped.setUp();
});

afterEach(async () => {
  await mapped[Symbol.asyncDispose]();
});

interface Watched extends AsyncDisposable {
  /** Resolves when the publication was looked at from now on, and found to lose nothing. */
  lookedAgain(): Promise<void>;
  /** Rejects with what the watch ended by. */
  readonly watching: Promise<void>;
}

/** The watch of a connector that runs, with little time between two looks. */
async function watched(): Promise<Watched> {
  const knex = openKnex({ url: mapped.db.url });
  const { slotName } = mapped;
  const checkpoint = await readCheckpoint(knex, slotName);
  if (checkpoint === null) throw new RangeError('no checkpoint');
  let looks = 0;
  const ending = new AbortController();
  const watching = watchPublication(
    {
      database: { url: mapped.db.url },
      knex,
      slotName,
      publicationName: PUBLICATION,
      logger: silentLogger,
      stored: checkpoint.publication,
      clock: systemClock,
      observer: { slot: () => (looks += 1) },
      watchMs: 10,
    },
    ending.signal,
  );
  watching.catch(() => undefined);
  return {
    watching,
    lookedAgain: async () => {
      // The one under way may have begun before.
      const until = looks + 2;
      await Promise.race([eventually(() => looks >= until, 'another look'), watching]);
    },
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await watching.catch(() => undefined);
      await knex.destroy();
    },
  };
}

async function start(): Promise<void> {
  const knex = openKnex({ url: mapped.db.url });
  const { slotName } = mapped;
  try {
    await compareAtStart({
      database: { url: mapped.db.url },
      knex,
      slotName,
      publicationName: PUBLICATION,
      logger: silentLogger,
    });
  } finally {
    await knex.destroy();
  }
}

test('set-up that publishes more beside a running connector neither stops it nor keeps it from a start', async () => {
  await using watch = await watched();
  await mapped.setUp({ mapping: await mapped.mapping(WIDER) });
  await watch.lookedAgain();
  await mapped.setUp({ mapping: await mapped.mapping(WIDER), wholeTables: true });
  await watch.lookedAgain();
  await start();
});

test('a table that is added by hand stops nothing, and set-up writes it down without a gap', async () => {
  await using watch = await watched();
  await mapped.db.sql(
    `CREATE TABLE extra (id int PRIMARY KEY); ALTER PUBLICATION ${PUBLICATION} ADD TABLE extra`,
  );
  await watch.lookedAgain();
  await start();
  const drift = (await mapped.check()).find(({ id }) => id === 'publication-drift');
  expect(drift).toMatchObject({ level: 'warning', fix: 'paytronix-segment setup' });
  await mapped.apply(drift?.fix ?? '');
  expect(await mapped.check()).toEqual([]);
  const knex = openKnex({ url: mapped.db.url });
  const gaps = await readGaps(knex, mapped.slotName);
  await knex.destroy();
  expect(gaps.filter(({ closedBy }) => closedBy !== 'setup')).toEqual([]);
});

test('what was added by hand and is taken out while a connector watches stops it', async () => {
  await using watch = await watched();
  await mapped.db.sql(
    `CREATE TABLE extra (id int PRIMARY KEY); ALTER PUBLICATION ${PUBLICATION} ADD TABLE extra`,
  );
  await watch.lookedAgain();
  await mapped.db.sql(`ALTER PUBLICATION ${PUBLICATION} DROP TABLE extra`);
  await expect(watch.watching).rejects.toMatchObject({ code: 'PUBLICATION_CHANGED' });
});

test('a column list that is replaced by hand stops it, also by a longer one: the table was out meanwhile', async () => {
  await using watch = await watched();
  await mapped.db.sql(
    `ALTER PUBLICATION ${PUBLICATION} DROP TABLE visit; ALTER PUBLICATION ${PUBLICATION} ADD TABLE visit`,
  );
  await expect(watch.watching).rejects.toMatchObject({
    code: 'PUBLICATION_CHANGED',
    message: expect.stringContaining('it is not what it was') as string,
  });
  await expect(start()).rejects.toMatchObject({ code: 'PUBLICATION_CHANGED' });
});

test('set-up for a mapping that needs less ends the connector of the former one, and says why', async () => {
  await using watch = await watched();
  await mapped.setUp({ mapping: await mapped.mapping(NARROWER) });
  await expect(watch.watching).rejects.toMatchObject({
    code: 'PUBLICATION_CHANGED',
    message: expect.stringContaining(
      'set-up was run with another configuration: public.visit was taken out',
    ) as string,
    advice: expect.stringContaining('start again with that one') as string,
  });
  await start();
});

test('set-up says that a connector streams, which takes a changed configuration when it is started again', async () => {
  const quiet = await mapped.setUp();
  expect(quiet.find(({ step }) => step === 'slot')?.detail).not.toContain('streams');
  await using capture = await captured(mapped.db, { mapping: await mapped.mapping() });
  await eventually(() => capture.states.some(({ tag }) => tag === 'streaming'), 'streaming');
  const reports = await mapped.setUp({ mapping: await mapped.mapping(WIDER) });
  expect(reports.find(({ step }) => step === 'slot')?.detail).toContain(
    'a connector streams from it, start it again',
  );
  await mapped.db.sql('INSERT INTO visit VALUES (1, 1)');
  await capture.until('px-1-check_in-1');
});
