import pg from 'pg';
import { expect, test } from 'vitest';
import type { Derived } from '../../src/events/event.js';
import { expectedCalls } from '../../src/demo/oracle.js';
import { receivedCall, type ReceivedCall } from '../../src/demo/received-call.js';
import type { ReceivedEvent } from '../../src/demo/receiver.js';
import { Simulator } from '../../src/demo/simulator/simulator.js';
import { CALL_NAMES, verify } from '../../src/demo/verify.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { clientConfig } from '../../src/postgres/connection.js';
import { testDatabase } from '../support/postgres.js';
import { collected } from './collected.js';

function asReceived(calls: readonly Derived[]): ReceivedCall[] {
  return calls.map(({ json, name, messageId }) => {
    const call = JSON.parse(json) as Record<string, unknown>;
    const userId = typeof call['userId'] === 'string' ? call['userId'] : null;
    return receivedCall({ call, name, messageId, userId, arrivedAtMs: 0 } as unknown as ReceivedEvent);
  });
}

test('a backfill says what the stream would have said: every call of all nine events, its id, time, balances and order', async () => {
  await using db = await testDatabase();
  const pool = new pg.Pool({ ...clientConfig({ url: db.url, applicationName: 'brand' }), max: 6 });
  pool.on('error', () => undefined);
  try {
    const simulator = new Simulator({ pool, guests: 60, ratePerSecond: 250, seed: 11, clock: systemClock });
    await simulator.open();
    const { rows } = await db.sql<{ text: string; us: string }>(
      `SELECT now()::text AS text, (extract(epoch FROM now()) * 1000000)::bigint AS us`,
    );
    const [since] = rows;
    if (since === undefined) throw new Error('the clock did not answer');
    await simulator.run(6, new AbortController().signal);
    const { calls, done } = await collected(db, {
      pageRows: 150,
      span: { sinceUs: Number(since.us), untilUs: (Date.now() + 1_000) * 1_000 },
    });
    expect(done).toBe(true);
    expect(calls.filter(({ tag }) => tag === 'rejected')).toEqual([]);
    const connection = await pool.connect();
    const expected = await expectedCalls(connection, {
      since: since.text,
      walletsFromEnrolment: true,
    });
    connection.release();
    const verdict = verify(expected, asReceived(calls));
    expect(verdict.findings).toEqual([]);
    expect(verdict.total.again).toBe(0);
    for (const name of CALL_NAMES) expect(verdict.byName.get(name)?.received, name).toBeGreaterThan(0);
  } finally {
    await pool.end();
  }
}, 60_000);
