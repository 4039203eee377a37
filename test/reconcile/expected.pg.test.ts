import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createConnector } from '../../src/app.js';
import { parseConfig } from '../../src/config/parse.js';
import { CALL_NAMES } from '../../src/demo/verify.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import { openKnex } from '../../src/postgres/connection.js';
import { grantSelectSql } from '../../src/postgres/setup-sql.js';
import { isNothing, minus, plus } from '../../src/reconcile/decode.js';
import { expectedIds, expectedMinutes, type ExpectedMinute } from '../../src/reconcile/expected-calls.js';
import { sumOf } from '../../src/reconcile/decode.js';
import { reconcile } from '../../src/reconcile/reconcile.js';
import { closeRedis, connectRedis } from '../../src/queue/redis.js';
import { TABLE_NAMES } from '../../src/records/tables.js';
import { eventually } from '../support/eventually.js';
import { system, type System } from '../support/system.js';
import { differences, reconciled, total } from './system.js';

const YESTERDAY = new Date(systemClock.now() - 86_400_000).toISOString();

let brand: System;

/** Some business, delivered, by a source that sends voids too. */
beforeAll(async () => {
  brand = await system({ seed: 34 });
  const config = parseConfig({ ...brand.env, EMIT_VOIDS: 'on' }, { command: 'run', role: 'all' });
  const connector = createConnector(config, { logger: silentLogger, role: 'all', clock: systemClock });
  await connector.start();
  await brand.business(6);
  // On a slow machine it takes longer until there is one.
  const voids = `SELECT FROM txn.transaction WHERE modifier <> 'NONE' AND origin = 'POS'`;
  while ((await brand.db.sql(voids)).rowCount === 0) await brand.business(1);
  await eventually(
    async () => {
      const found = await reconciled(brand, { source: config.sources[0].settings, settleMs: 100 });
      return total(found, 'toCapture') + total(found, 'queued') === 0;
    },
    'everything delivered',
    30_000,
  );
  await connector.stop();
}, 90_000);

afterAll(async () => {
  await brand[Symbol.asyncDispose]();
});

const withVoids = () =>
  parseConfig({ ...brand.env, EMIT_VOIDS: 'on' }, { command: 'run', role: 'capture' }).sources[0].settings;

async function expectedOf(
  tracked: boolean,
  url = brand.db.url,
  merchantIds: readonly string[] | null = null,
): Promise<ExpectedMinute[]> {
  const knex = openKnex({ url });
  const source = withVoids();
  const nowMs = systemClock.now();
  try {
    return await expectedMinutes({
      knex,
      tracked,
      nowMs,
      minutes: { from: 0, to: Math.ceil(nowMs / 60_000) + 10 },
      of: {
        events: [...source.events],
        identify: true,
        emitVoids: true,
        merchantIds,
        committedAfter: YESTERDAY,
        names: null,
      },
    });
  } finally {
    await knex.destroy();
  }
}

describe('after business', () => {
  test('voids that are sent are expected, and not without being asked for', async () => {
    const found = await reconciled(brand, { source: withVoids() });
    expect(differences(found)).toEqual([]);
    expect(new Set(found.reports.map(({ name }) => name))).toEqual(new Set(CALL_NAMES));
    const without = await reconciled(brand);
    expect(total(without, 'extra')).toBeGreaterThan(0);
    expect(total(without, 'missing')).toBe(0);
  });

  test('events named are the only ones compared, and so are the minutes', async () => {
    const found = await reconciled(brand, { source: withVoids(), names: ['Check-In', 'identify'] });
    expect(new Set(found.reports.map(({ name }) => name))).toEqual(new Set(['Check-In', 'identify']));
    expect(found.equal).toBe(true);
    const all = await reconciled(brand, { source: withVoids() });
    const minute = Math.max(...all.reports.map((report) => report.minute));
    const one = await reconciled(brand, { source: withVoids(), from: minute, to: minute + 1 });
    expect(one.reports).toEqual(all.reports.filter((report) => report.minute === minute));
  });

  test('of several merchants what each of them implies is expected, and nothing of any other', async () => {
    const sorted = (minutes: readonly ExpectedMinute[]): ExpectedMinute[] =>
      minutes.toSorted((a, b) => a.minute - b.minute || a.name.localeCompare(b.name, 'en'));
    const { rows } = await brand.db.sql<{ id: string }>(
      'SELECT merchant_id::text AS id FROM loyalty.merchant',
    );
    const each = rows.map(({ id }) => id);
    expect(each.length).toBeGreaterThan(1);
    expect(sorted(await expectedOf(true, brand.db.url, each))).toEqual(sorted(await expectedOf(true)));
    expect(await expectedOf(true, brand.db.url, ['4', '5'])).toEqual([]);
  });

  test('the ids of a minute are those of its sums', async () => {
    const knex = openKnex({ url: brand.db.url });
    const source = withVoids();
    const of = {
      events: [...source.events],
      identify: true,
      emitVoids: true,
      merchantIds: null,
      committedAfter: YESTERDAY,
      names: null,
    };
    for (const place of (await expectedOf(true)).slice(0, 60)) {
      const ids = await expectedIds({ knex, tracked: true, nowMs: systemClock.now(), of }, place);
      const firsts = sumOf(ids.filter(({ repeat }) => !repeat).map(({ hash }) => hash));
      expect(minus(plus(place.certain, place.doubtful), firsts), `${place.name} ${place.minute}`).toEqual({
        count: 0,
        sum: 0n,
      });
    }
    await knex.destroy();
  });

  test('without commit times the same is expected, but for what has become doubtful', async () => {
    const exact = await expectedOf(true);
    const told = new Map((await expectedOf(false)).map((each) => [`${each.name} ${each.minute}`, each]));
    const differing = exact.filter((each) => {
      const other = told.get(`${each.name} ${each.minute}`);
      return other === undefined || !isNothing(minus(each.certain, other.certain));
    });
    expect(exact.length).toBeGreaterThan(CALL_NAMES.length);
    expect(differing.map(({ name, minute }) => `${name} ${minute}`)).toEqual([]);
  });

  test('it reads no column that the connector’s role may not read', async () => {
    const role = `reconciler_${brand.db.name}`;
    await brand.db.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
    await brand.db.sql(`GRANT USAGE ON SCHEMA loyalty, txn, survey, segment_connector TO ${role}`);
    await brand.db.sql(`GRANT SELECT ON ALL TABLES IN SCHEMA segment_connector TO ${role}`);
    for (const table of TABLE_NAMES) await brand.db.sql(grantSelectSql(table, role));
    const url = new URL(brand.db.url);
    url.username = role;
    url.password = 'x';
    const knex = openKnex({ url: url.href });
    const client = connectRedis({
      settings: { url: brand.redis.url, tls: null },
      use: 'worker',
      onError: () => undefined,
    });
    try {
      const config = parseConfig(brand.env, { command: 'run', role: 'capture' });
      const found = await reconcile({
        knex,
        client,
        prefix: config.queue.prefix,
        source: withVoids(),
        lanes: 1,
        slotName: config.capture.slotName,
        from: null,
        to: null,
        names: null,
        clock: systemClock,
      });
      expect(found.equal).toBe(true);
    } finally {
      await closeRedis(client);
      await knex.destroy();
      await brand.db.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});
