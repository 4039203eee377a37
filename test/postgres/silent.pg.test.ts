import { expect, inject, test } from 'vitest';
import { closeKnex, openKnex } from '../../src/postgres/connection.js';
import { rowOf } from '../../src/postgres/query.js';
import { PASS, startTcpProxy } from '../support/tcp-proxy.js';

const ONE = `SELECT 1 AS one`;

async function behindProxy(silenceLimitMs?: number) {
  const url = inject('clusterUrl');
  const proxy = await startTcpProxy(Number(new URL(url).port));
  const knex = openKnex({
    url: proxy.through(url),
    poolSize: 1,
    ...(silenceLimitMs === undefined ? {} : { silenceLimitMs }),
  });
  expect(await rowOf(knex, 'asking', ONE)).toEqual({ one: 1 });
  return { proxy, knex };
}

test('a statement on a connection that has gone dead fails as one that can be tried again, and the next finds a new connection', async () => {
  const { proxy, knex } = await behindProxy(500);
  await using _proxy = proxy;
  proxy.strand();
  await expect(rowOf(knex, 'asking', ONE)).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  expect(await rowOf(knex, 'asking', ONE)).toEqual({ one: 1 });
  await closeKnex(knex, 1_000);
});

test('closing ends although the server answers nothing, and whoever waited is told', async () => {
  const { proxy, knex } = await behindProxy();
  await using _proxy = proxy;
  proxy.set({ tag: 'hold' });
  const waiting = rowOf(knex, 'asking', ONE);
  const told = expect(waiting).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  const startedAt = performance.now();
  await closeKnex(knex, 200);
  await told;
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  proxy.set(PASS);
});
