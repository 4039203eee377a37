import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import { openKnex } from '../../src/postgres/connection.js';
import { laneStateKey } from '../../src/queue/keys.js';
import { messageHash } from '../../src/queue/message-hash.js';
import { BACKFILL_LANE, REPLAY_LANE, type SideLane } from '../../src/queue/side-lanes.js';
import { createSideSink } from '../../src/queue/side-sink.js';
import { countOutsideSequence, TallyBox, tallyTarget } from '../../src/queue/tally-box.js';
import { minuteOfCall, PendingTally, TALLY_CHANNELS } from '../../src/queue/tally.js';
import { sumOf } from '../../src/reconcile/decode.js';
import { messageHashSql } from '../../src/reconcile/expected-calls.js';
import { TallyMover } from '../../src/reconcile/tally-mover.js';
import { readCounted } from '../../src/reconcile/tally-reader.js';
import { createDelivery } from '../../src/delivery/delivery.js';
import { startReceiver } from '../../src/demo/receiver.js';
import { delivering, WRITE_KEY } from '../delivery/settings.js';
import { QueueRig, range, until } from '../queue/rig.js';
import { callJson, eventCall, queuedCall, transaction } from '../queue/sample-calls.js';
import { testDatabase } from '../support/postgres.js';

const PREFIX = 'paytronix';
const SOURCE = 'default';
const MINUTE = minuteOfCall(callJson('m', '1')) ?? 0;
const ALL_MINUTES = { from: 0, to: 2_000_000_000 };

test('Node and PostgreSQL give a message id the same hash, and sums the same remainder', async () => {
  await using db = await testDatabase();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'binary', maxLength: 99 }).filter(isText), { maxLength: 40 }),
      async (ids) => {
        const { rows } = await db.sql<{ hash: string }>(
          `SELECT ${messageHashSql('id')}::text AS hash FROM unnest($1::text[]) WITH ORDINALITY AS t(id, place) ORDER BY place`,
          [ids],
        );
        expect(rows.map(({ hash }) => BigInt(hash))).toEqual(ids.map(messageHash));
      },
    ),
    { numRuns: 40 },
  );
});

/** PostgreSQL's text holds no NUL, and UTF-8 no lone surrogate. */
function isText(text: string): boolean {
  return !text.includes('\0') && Buffer.from(text, 'utf8').toString('utf8') === text;
}

interface Rig extends AsyncDisposable {
  readonly queue: QueueRig;
  readonly box: TallyBox;
  readonly knex: ReturnType<typeof openKnex>;
  readonly db: Awaited<ReturnType<typeof testDatabase>>;
  mover(failpoint?: (at: string) => void): TallyMover;
  counted(): Promise<{ count: number; sum: bigint }>;
  stored(): Promise<{ count: number; sum: bigint }>;
}

async function open(): Promise<Rig> {
  const db = await testDatabase();
  const queue = await QueueRig.open();
  const knex = openKnex({ url: db.url });
  const box = new TallyBox(queue.client, PREFIX, SOURCE);
  const nowhere = { read: async () => [] } as unknown as TallyBox;
  const liveOf = async (from: TallyBox) => {
    const counted = await readCounted(knex, from, SOURCE, ALL_MINUTES);
    return counted.get(`POS Activity@${MINUTE}`)?.live.get(0) ?? { count: 0, sum: 0n };
  };
  return {
    queue,
    box,
    knex,
    db,
    mover: (failpoint) =>
      new TallyMover({
        knex,
        source: SOURCE,
        slotName: 'slot',
        box,
        clock: systemClock,
        logger: silentLogger,
        ...(failpoint === undefined ? {} : { failpoint }),
      }),
    counted: async () => liveOf(box),
    stored: async () => liveOf(nowhere),
    [Symbol.asyncDispose]: async () => {
      await knex.destroy();
      await queue[Symbol.asyncDispose]();
      await db.close();
    },
  };
}

/** Positions go on from one delivery to the next: a lane's mark skips what lies before it. */
let position = 0;

async function deliver(
  queue: QueueRig,
  jobs: readonly (readonly string[])[],
  side?: SideLane,
): Promise<void> {
  const receiver = await startReceiver({ writeKeys: [WRITE_KEY], limitPerSecond: null });
  const sink =
    side === undefined
      ? await queue.sink()
      : createSideSink({ redis: queue.settings, lane: side, sources: [SOURCE], pollMs: 20 });
  await sink.start();
  for (const ids of jobs) {
    position += 1;
    await sink.offer(
      transaction(
        position,
        ids.map((id, i) => eventCall(id, { key: String(i + 1) })),
      ),
    );
    await sink.flush();
  }
  const delivery = createDelivery({ redis: queue.settings, sources: [delivering(receiver.url)] });
  await delivery.start();
  const lane = side ?? 0;
  const state = laneStateKey(PREFIX, SOURCE, lane);
  const queued = String(sink.laneSnapshot()[`${SOURCE}/${lane}`]?.seq);
  await until(
    async () => (await queue.client.hget(state, 'deliveredSeq')) === queued,
    'everything delivered',
  );
  await delivery.close({ graceMs: 1_000 });
  await receiver.close();
  await sink.close();
}

test('each id is counted once, however often it is delivered, and its sum survives the move into PostgreSQL', async () => {
  await using r = await open();
  const ids = range(1, 60).map((n) => `px-777777-pos_activity-${n}`);
  await deliver(r.queue, [ids.slice(0, 40), ids.slice(20, 60), ids.slice(0, 5)]);
  const expected = sumOf(ids.map(messageHash));
  expect(await r.counted()).toEqual(expected);
  await r.mover().move();
  expect(await r.box.read()).toEqual([]);
  expect(await r.stored()).toEqual(expected);
  await deliver(r.queue, [ids]);
  await r.mover().move();
  expect(await r.stored()).toEqual(expected);
});

test('sums wrap around at 2^64 in PostgreSQL as they do here', async () => {
  await using r = await open();
  let expected: string[] = [];
  for (const part of range(0, 4)) {
    const ids = range(1, 50).map((n) => `wrap-${part}-${n}`);
    expected = [...expected, ...ids];
    await deliver(r.queue, [ids]);
    await r.mover().move();
  }
  expect(await r.stored()).toEqual(sumOf(expected.map(messageHash)));
});

test.each(['frozen', 'committed'])(
  'a mover that ends when the batch is %s loses and doubles nothing, nor do two at once',
  async (at) => {
    await using r = await open();
    const ids = range(1, 30).map((n) => `px-777777-pos_activity-${n}`);
    await deliver(r.queue, [ids]);
    const crash = new Error('killed');
    const crashing = r.mover((reached) => {
      if (reached === at) throw crash;
    });
    await expect(crashing.move()).rejects.toBe(crash);
    expect(await r.counted()).toEqual(sumOf(ids.map(messageHash)));
    const more = range(31, 50).map((n) => `px-777777-pos_activity-${n}`);
    await deliver(r.queue, [more]);
    expect(await r.counted()).toEqual(sumOf([...ids, ...more].map(messageHash)));
    await Promise.all([r.mover().move(), r.mover().move(), r.mover().move()]);
    await r.mover().move();
    expect(await r.box.read()).toEqual([]);
    expect(await r.stored()).toEqual(sumOf([...ids, ...more].map(messageHash)));
  },
);

test('a minute takes a hundred bytes in PostgreSQL whatever it holds', async () => {
  await using db = await testDatabase();
  await db.sql(
    `INSERT INTO segment_connector.tally (source, sum, count, minute, run, name, channel)
     SELECT 'default', hashint8extended(i, 0), 60000, 29000000 + i / 10, 0, i % 10, 0 FROM generate_series(1, 50000) AS i`,
  );
  await db.sql('VACUUM FULL segment_connector.tally');
  const { rows } = await db.sql<{ bytes: number }>(
    `SELECT pg_total_relation_size('segment_connector.tally')::float8 / 50000 AS bytes`,
  );
  expect(rows[0]?.bytes).toBeLessThan(130);
  expect(rows[0]?.bytes).toBeGreaterThan(60);
});

test('what a replay or backfill sends is kept beside what was sent live, by run, each id once a run', async () => {
  await using r = await open();
  const ids = range(1, 30).map((n) => `px-777777-pos_activity-${n}`);
  await deliver(r.queue, [ids.slice(0, 20)]);
  await deliver(r.queue, [ids.slice(5, 20), ids.slice(5, 25)], REPLAY_LANE);
  await r.mover().move();
  await deliver(r.queue, [ids], BACKFILL_LANE);
  await deliver(r.queue, [ids.slice(0, 10)], BACKFILL_LANE);
  await r.mover().move();
  const counted = await readCounted(r.knex, r.box, SOURCE, ALL_MINUTES);
  const minute = counted.get(`POS Activity@${MINUTE}`);
  expect(minute?.live.get(0)).toEqual(sumOf(ids.slice(0, 20).map(messageHash)));
  expect([...(minute?.again.values() ?? [])]).toEqual(
    expect.arrayContaining(
      [ids.slice(5, 25), ids, ids.slice(0, 10)].map((some) => sumOf(some.map(messageHash))),
    ),
  );
  expect(minute?.again.size).toBe(3);
});

test('the memory of recent ids stays within its bound', async () => {
  await using r = await open();
  const target = tallyTarget(PREFIX, SOURCE, TALLY_CHANNELS.live);
  await r.queue.client.set('lock', 'token');
  const json = callJson('m', '1');
  for (const part of range(0, 259)) {
    const pending = new PendingTally(TALLY_CHANNELS.live, 0);
    pending.delivered(range(1, 1_000).map((n) => ({ ...queuedCall(`id-${part}-${n}`), json })));
    await countOutsideSequence(r.queue.client, { key: 'lock', token: 'token' }, target, pending);
  }
  expect((await r.counted()).count).toBe(260_000);
  const keys = await r.queue.client.keys(`${target.counted}*`);
  const sizes = await Promise.all(keys.map(async (key) => r.queue.client.call('MEMORY', 'USAGE', key)));
  const bytes = sizes.reduce<number>((sum, size) => sum + Number(size), 0);
  expect(keys.length).toBeLessThanOrEqual(513);
  expect(bytes).toBeLessThan(3 * 1024 ** 2);
});
