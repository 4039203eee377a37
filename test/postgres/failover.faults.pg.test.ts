import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.js';
import type { PostgresServer } from '../../src/demo/postgres-server.js';
import { invoked } from '../backfill/invoked.js';
import { slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { freeze, type Frozen } from '../support/frozen.js';
import { caughtUp, onServer, promote, Standbys } from '../support/standby.js';
import { system, type System } from '../support/system.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { SHORT } from '../support/short-form.js';

const SLOW = 180_000;

/** Everybody is led to the promoted server, as by a virtual address. */
async function failOver(way: TcpProxy, primary: PostgresServer, standby: PostgresServer): Promise<void> {
  await primary.halt('immediate');
  await promote(standby);
  way.retarget(standby.port);
  way.cut();
}

/**
 * The slot is on the standby. The replay slot is not while it stands before what the standby has from the beginning: after
 * its retention it follows.
 */
async function slotSynchronised(
  brand: System,
  primary: PostgresServer,
  standby: PostgresServer,
): Promise<void> {
  await eventually(
    async () => {
      // What the server does by itself every quarter of a minute: the slot can let go of older WAL then.
      await onServer(primary, 'SELECT pg_log_standby_snapshot()');
      // And moves on once a position behind it is confirmed: a commit's, for those of an idle server are by the megabyte.
      await brand.db.sql('UPDATE loyalty.merchant SET name = name WHERE merchant_id = 777777');
      // Where it found nothing new, the worker that synchronises sleeps for up to half a minute; a signal wakes it.
      await onServer(standby, 'SELECT pg_reload_conf()');
      await delay(500);
      const rows = await onServer(
        standby,
        `SELECT FROM pg_replication_slots s WHERE slot_name = '${slotOf(brand.db)}' AND NOT temporary
          AND (to_jsonb(s) ->> 'synced')::boolean`,
      );
      return rows.length === 1;
    },
    'the slot on the standby',
    60_000,
  );
}

/** Slots are synchronised no more: the process that does it stands still. */
async function unsynchronised(standby: PostgresServer): Promise<Frozen> {
  const [worker] = await onServer<{ pid: number }>(
    standby,
    `SELECT pid FROM pg_stat_activity WHERE backend_type = 'slotsync worker'`,
  );
  expect(worker).toBeDefined();
  return freeze(worker?.pid ?? 0);
}

/** Whether the slot on the standby stands before what is queued, and even delivered: it will be sent again. */
async function slotIsBehind(brand: System, standby: PostgresServer): Promise<boolean> {
  const slot = slotOf(brand.db);
  const { rows } = await brand.db.sql<{ delivered: string | null }>(
    `SELECT max((lane.value ->> 'position')::pg_lsn)::text AS delivered
      FROM segment_connector.checkpoint, jsonb_each(delivered -> 'lanes') lane WHERE slot_name = $1`,
    [slot],
  );
  const [there] = await onServer<{ behind: boolean }>(
    standby,
    `SELECT confirmed_flush_lsn < '${rows[0]?.delivered ?? '0/0'}'::pg_lsn AS behind FROM pg_replication_slots WHERE slot_name = '${slot}'`,
  );
  return there?.behind === true;
}

/** Connections of the brand that the failover broke fail one act each. */
async function doesBusiness(brand: System, seconds: number): Promise<void> {
  await eventually(async () => {
    try {
      await brand.business(seconds);
      return true;
    } catch {
      return false;
    }
  }, 'business without a broken connection');
}

test(
  'a promoted standby with the slot goes on where the old primary was, also behind it: nothing missing, doubled or reordered',
  async () => {
    await using primary = await startEmbeddedPostgres();
    await using standbys = new Standbys();
    await using way = await startTcpProxy(primary.port);
    await using brand = await system({
      seed: 71,
      server: way.through(primary.url()),
      ratePerSecond: 60,
      setUp: false,
    });
    const standby = await standbys.start(primary, { synchroniseSlotsIn: brand.db.name });
    await brand.setUp();
    const connector = brand.run('all');
    await connector.logged('capture is streaming');
    await brand.business(1);
    await slotSynchronised(brand, primary, standby);
    await using sync = await unsynchronised(standby);
    await brand.business(2);
    await brand.verdict();
    await eventually(
      async () => slotIsBehind(brand, standby),
      'the slot on the standby behind what is delivered',
    );
    await caughtUp(primary, standby);
    await primary.halt('immediate');
    await sync.thaw();
    await failOver(way, primary, standby);
    await connector.logged('the server is on a new timeline and the slot came along');
    await doesBusiness(brand, 2);
    const verdict = await brand.verdict();
    expect(verdict.findings, connector.log()).toEqual([]);
    expect(verdict.total.again).toBeLessThanOrEqual(100);
    expect(await connector.end('SIGTERM')).toBe(0);
  },
  SLOW,
);

test(
  'a promoted standby without the slot is a named gap, and `recover` makes it whole',
  async () => {
    await using primary = await startEmbeddedPostgres();
    await using standbys = new Standbys();
    await using way = await startTcpProxy(primary.port);
    await using brand = await system({
      seed: 72,
      server: way.through(primary.url()),
      ratePerSecond: 60,
      setUp: false,
    });
    const standby = await standbys.start(primary, { synchroniseSlotsIn: null });
    await brand.setUp();
    const connector = brand.run('all');
    await connector.logged('capture is streaming');
    await brand.business(2);
    await caughtUp(primary, standby);
    await failOver(way, primary, standby);
    await doesBusiness(brand, 1);
    await eventually(() => connector.child.exitCode !== null, 'the end of the process');
    expect(connector.child.exitCode).toBe(70);
    expect(connector.log()).toMatch(/"code":"CAPTURE_GAP".*slot-missing/);
    expect(connector.log()).toContain('paytronix-segment recover');
    const recovered = await invoked(['recover'], brand.env);
    expect(recovered, recovered.out).toMatchObject({ code: 0 });
    const next = brand.run('all');
    await next.logged('capture is streaming');
    await doesBusiness(brand, 1);
    const verdict = await brand.verdict();
    expect(verdict.findings, next.log()).toEqual([]);
    expect(await next.end('SIGTERM')).toBe(0);
  },
  SLOW,
);

test.skipIf(SHORT)(
  'commits that a failover lost do not hide the new ones that stand at their positions',
  async () => {
    await using primary = await startEmbeddedPostgres();
    await using standbys = new Standbys();
    await using way = await startTcpProxy(primary.port);
    await using wire = await startTcpProxy(primary.port);
    await using brand = await system({
      seed: 73,
      server: way.through(primary.url()),
      ratePerSecond: 60,
      setUp: false,
    });
    const standby = await standbys.start(primary, { synchroniseSlotsIn: brand.db.name, port: wire.port });
    await brand.setUp();
    const connector = brand.run('all');
    await connector.logged('capture is streaming');
    await brand.business(1);
    await slotSynchronised(brand, primary, standby);
    await brand.verdict();
    await caughtUp(primary, standby);
    wire.set({ tag: 'hold' });
    await brand.business(1);
    await brand.verdict();
    await primary.halt('immediate');
    wire.cut();
    const lost = brand.arrivals.calls.length;
    await failOver(way, primary, standby);
    await connector.logged('the server is on a new timeline and the slot came along');
    await doesBusiness(brand, 2);
    const verdict = await brand.verdict();
    // What was sent of the lost commits cannot be recalled: the tables no longer imply it.
    const sentOfLost = new Set(brand.arrivals.calls.slice(0, lost).map(({ messageId }) => messageId));
    const unexplained = verdict.findings.filter(
      ({ kind, messageId }) => !(kind === 'extra' && sentOfLost.has(messageId)),
    );
    expect(unexplained, connector.log()).toEqual([]);
    expect(verdict.findings.length).toBeGreaterThan(0);
    expect(await connector.end('SIGTERM')).toBe(0);
  },
  SLOW,
);

test.skipIf(SHORT)(
  'a connector led to the standby before its promotion waits for it, and loses nothing',
  async () => {
    await using primary = await startEmbeddedPostgres();
    await using standbys = new Standbys();
    await using way = await startTcpProxy(primary.port);
    await using brand = await system({
      seed: 74,
      server: way.through(primary.url()),
      ratePerSecond: 60,
      setUp: false,
    });
    const standby = await standbys.start(primary, { synchroniseSlotsIn: brand.db.name });
    await brand.setUp();
    const connector = brand.run('all');
    await connector.logged('capture is streaming');
    await brand.business(1);
    await slotSynchronised(brand, primary, standby);
    await brand.verdict();
    await caughtUp(primary, standby);
    await primary.halt('immediate');
    way.retarget(standby.port);
    way.cut();
    await connector.logged('SERVER_IN_RECOVERY');
    expect(connector.child.exitCode).toBeNull();
    await promote(standby);
    await connector.logged('the server is on a new timeline and the slot came along');
    await doesBusiness(brand, 1);
    expect((await brand.verdict()).findings, connector.log()).toEqual([]);
    expect(await connector.end('SIGTERM')).toBe(0);
  },
  SLOW,
);
