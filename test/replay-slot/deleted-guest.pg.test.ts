import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createConnector } from '../../src/app.js';
import { parseConfig } from '../../src/config/parse.js';
import { startReceiver } from '../../src/demo/receiver.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import { DeadLetters, type DeadLetter } from '../../src/queue/dead-letters.js';
import { DEFAULT_PREFIX } from '../../src/queue/keys.js';
import { closeRedis, connectRedis } from '../../src/queue/redis.js';
import { suppressedAmong } from '../../src/queue/suppressions.js';
import { invoked } from '../backfill/invoked.js';
import { purchase, seedAccount, seedBrand } from '../support/brand.js';
import { PUBLICATION, setUpConnector, slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { testDatabase } from '../support/postgres.js';
import { testRedis } from '../support/redis.js';

const WRITE_KEY = 'test-write-key';

function letterOf(guestId: string): DeadLetter {
  return {
    reason: 'refused',
    detail: 'refused',
    response: null,
    source: 'default',
    position: '0/1',
    name: 'POS Activity',
    messageId: `letter-${guestId}`,
    accountKey: `777777:${guestId}`,
    guestId,
    commitTimeMs: 0,
    json: '{}',
    atMs: 0,
  };
}

test('a guest deleted or anonymised: queued calls and dead letters go, Redis may forget, and nothing brings the guest back', async () => {
  await using db = await testDatabase();
  await using redis = await testRedis();
  const receiver = await startReceiver({ writeKeys: [WRITE_KEY], limitPerSecond: null });
  const spillDir = await mkdtemp(join(tmpdir(), 'deleted-'));
  await seedBrand(db);
  for (const accountId of [1, 2, 3]) await seedAccount(db, { accountId });
  await setUpConnector(db);
  const env = {
    DATABASE_URL: db.url,
    REDIS_URL: redis.url,
    SEGMENT_WRITE_KEY: WRITE_KEY,
    SEGMENT_HOST: receiver.url,
    PUBLICATION_NAME: PUBLICATION,
    SLOT_NAME: slotOf(db),
    SPILL_DIR: spillDir,
    HTTP_PORT: '0',
    HTTP_HOST: '127.0.0.1',
  };
  const healed: string[] = [];
  const connector = createConnector(parseConfig(env, { command: 'run', role: 'all' }), {
    logger: silentLogger,
    role: 'all',
    clock: systemClock,
    observers: { capture: { healed: ({ from, to }) => healed.push(`${from}–${to}`) } },
  });
  const client = connectRedis({
    settings: { url: redis.url, tls: null },
    use: 'worker',
    onError: () => undefined,
  });
  const letters = new DeadLetters('default', { client, prefix: DEFAULT_PREFIX, onError: () => undefined });
  const has = (transaction: number): boolean =>
    receiver.events.some(({ messageId }) => messageId === `px-777777-pos_activity-${transaction}`);
  const queued = async (jobs: number): Promise<void> =>
    eventually(async () => {
      // Waiting or in hand: with Segment down the job in hand is not delivered either.
      const lane = `${DEFAULT_PREFIX}:segment/default/0`;
      return (await client.llen(`${lane}:wait`)) + (await client.llen(`${lane}:active`)) >= jobs;
    }, 'jobs queued');
  const suppressed = async (guest: string): Promise<void> =>
    eventually(
      async () => (await suppressedAmong(client, DEFAULT_PREFIX, [guest])).size === 1,
      `guest ${guest} suppressed`,
    );
  const segmentDown = (): void => receiver.respondWith(() => ({ tag: 'status', status: 503 }));
  const segmentUp = (): void => receiver.respondWith(null);
  try {
    await connector.start();
    await purchase(db, { transactionId: 1, accountId: 1, points: 1 });
    await purchase(db, { transactionId: 2, accountId: 2, points: 1 });
    await receiver.waitUntil(() => has(1) && has(2));

    await letters.add(letterOf('1'));
    await letters.add(letterOf('2'));
    segmentDown();
    await purchase(db, { transactionId: 10, accountId: 2, points: 1 });
    await purchase(db, { transactionId: 11, accountId: 1, points: 1 });
    await purchase(db, { transactionId: 12, accountId: 2, points: 1 });
    await queued(1);
    await db.sql(`UPDATE loyalty.guest SET status = 'ANONYMIZED' WHERE user_id = 1`);
    await purchase(db, { transactionId: 13, accountId: 1, points: 1 });
    await purchase(db, { transactionId: 14, accountId: 2, points: 1 });
    await suppressed('1');
    segmentUp();
    await receiver.waitUntil(() => has(12) && has(14));
    expect([has(11), has(13)]).toEqual([false, false]);
    expect((await letters.list()).map(({ guestId }) => guestId)).toEqual(['2']);

    // Another one, whose calls Redis loses together with the word that they must not be sent.
    segmentDown();
    await purchase(db, { transactionId: 20, accountId: 2, points: 1 });
    await purchase(db, { transactionId: 21, accountId: 3, points: 1 });
    await queued(1);
    await db.sql(`UPDATE loyalty.guest SET status = 'DELETED' WHERE user_id = 3`);
    await suppressed('3');
    await client.flushall();
    await eventually(() => healed.length > 0, 'healing', 20_000);
    expect(await suppressedAmong(client, DEFAULT_PREFIX, ['1', '2', '3'])).toEqual(new Set(['1', '3']));
    segmentUp();
    await purchase(db, { transactionId: 22, accountId: 2, points: 1 });
    await receiver.waitUntil(() => has(20) && has(22));
    expect(has(21)).toBe(false);

    // A replay ends where the checkpoint stands, which may be a second behind the stream.
    await eventually(async () => {
      const { rows } = await db.sql<{ reached: boolean }>(
        `SELECT commit_time >= pg_xact_commit_timestamp(t.xmin) AS reached FROM segment_connector.checkpoint c, txn.transaction t
        WHERE c.slot_name = $1 AND t.transaction_id = 22`,
        [slotOf(db)],
      );
      return rows[0]?.reached === true;
    }, 'the checkpoint past all of it');
    const ofGuests = (): number =>
      receiver.events.filter(({ userId }) => userId === '1' || userId === '3').length;
    const before = ofGuests();
    expect(before).toBeGreaterThan(0);
    const { rows } = await db.sql<{ lsn: string }>(
      `SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1`,
      [`${slotOf(db)}_replay`],
    );
    for (const command of [
      ['replay', '--from', rows[0]?.lsn ?? ''],
      ['backfill', '--event', 'all', '--since', '2020-01-01T00:00:00Z'],
    ]) {
      const total = receiver.events.length;
      const ended = await invoked(command, env);
      expect(ended.code, `${command.join(' ')}: ${ended.out} ${ended.err}`).toBe(0);
      expect(receiver.events.length, `${command.join(' ')}: ${ended.out}`).toBeGreaterThan(total);
    }
    expect(ofGuests()).toBe(before);
    expect([has(11), has(13), has(21)]).toEqual([false, false, false]);
  } finally {
    await connector.stop();
    await letters.close();
    await closeRedis(client);
    await receiver.close();
    await rm(spillDir, { recursive: true, force: true });
  }
}, 90_000);
