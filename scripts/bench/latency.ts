import { setTimeout as delay } from 'node:timers/promises';
import { ConnectorProcess } from './connector.js';
import { CALLS_A_PURCHASE, expectedOf, FIRST_TRANSACTION } from './expected-purchases.js';
import { judge } from './judge.js';
import type { FigureResult, Measure } from './measure.js';
import { runProgramUntil } from './program.js';
import { BenchReceiver, type Taken } from './receiver.js';
import { scaled, type Setting } from './setting.js';
import { PUBLICATION, Site } from './site.js';
import { percentile } from './statistics.js';

const COMMITS_A_SECOND = 200;
const SECONDS = 60;
const ACCOUNTS = 5_000;
/** First second of either side: connections are made and code is compiled. */
const WARM_UP_COMMITS = COMMITS_A_SECOND;

/** Business as usual: how long after its commit is an event received? One round of either side: it takes its time. */
export async function measureLatency(setting: Setting): Promise<FigureResult> {
  const commits = WARM_UP_COMMITS + scaled(setting, COMMITS_A_SECOND * SECONDS, COMMITS_A_SECOND * 2);
  await using site = await Site.open(setting, { accounts: ACCOUNTS });
  await using receiver = await BenchReceiver.start();
  const own = { from: 0, to: commits, accounts: ACCOUNTS };
  const connector = await latenciesOfConnector(site, receiver, own);
  setting.say('the connector is done');
  const bare = await latenciesOfBareReader(site, receiver, commits);
  const measure = (what: string, percent: number, most: number | null): Measure => ({
    what,
    unit: 'ms',
    values: [percentile(connector.latenciesMs, percent)],
    baseline: { name: 'posting each row at once', values: [percentile(bare, percent)] },
    goal: most === null ? null : { of: 'value', bound: 'most', limit: most },
  });
  return {
    measures: [measure('p50', 50, 15), measure('p99', 99, 60), measure('greatest', 100, null)],
    findings: judge(connector.taken.messageIds, expectedOf(own)),
    notes: [
      `${COMMITS_A_SECOND} commits/s for ${(commits - WARM_UP_COMMITS) / COMMITS_A_SECOND} s; one round`,
    ],
  };
}

async function latenciesOfConnector(
  site: Site,
  receiver: BenchReceiver,
  span: { from: number; to: number },
): Promise<{ latenciesMs: number[]; taken: Taken }> {
  const slotName = 'latency';
  await site.setUpSlot(slotName);
  await receiver.begin();
  await using connector = ConnectorProcess.start(site, {
    role: 'all',
    slotName,
    segmentHost: receiver.url,
  });
  await connector.logged('capture is streaming');
  await doBusiness(site, span);
  await receiver.received((span.to - span.from) * CALLS_A_PURCHASE, connector.failed);
  await connector.stop();
  const taken = await receiver.take();
  return { taken, latenciesMs: await latencies(site, taken, span.from + WARM_UP_COMMITS) };
}

/** A header's row as it comes, a request each; the lines and wallets are dropped. */
async function latenciesOfBareReader(
  site: Site,
  receiver: BenchReceiver,
  commits: number,
): Promise<number[]> {
  const slotName = 'latency_bare';
  await site.pool.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [slotName]);
  const over = new AbortController();
  await receiver.begin();
  const args = { url: site.databaseUrl, slotName, publicationName: PUBLICATION, target: receiver.url };
  const reading = runProgramUntil(over.signal, 'row-poster', args);
  try {
    const span = { from: commits, to: 2 * commits };
    await doBusiness(site, span);
    await receiver.received(
      commits,
      reading.then(() => Promise.reject(new Error('the bare reader ended early'))),
    );
    return await latencies(site, await receiver.take(), span.from + WARM_UP_COMMITS);
  } finally {
    over.abort();
    await reading;
  }
}

/** Purchases at an even pace, whatever became of those before. */
async function doBusiness(site: Site, { from, to }: { from: number; to: number }): Promise<void> {
  const startedMs = performance.now();
  const commits: Promise<unknown>[] = [];
  for (let purchase = from; purchase < to; purchase += 1) {
    const dueMs = startedMs + ((purchase - from) / COMMITS_A_SECOND) * 1_000;
    const early = dueMs - performance.now();
    if (early > 0) await delay(early);
    commits.push(site.pool.query(`CALL bench.purchases(${purchase}, 1, ${purchase + 1}, 1, 2)`));
  }
  await Promise.all(commits);
}

/** Of each event from a purchase on: its arrival less its commit, by the server's own record of it. */
async function latencies(site: Site, { messageIds, requests }: Taken, from: number): Promise<number[]> {
  const { rows } = await site.pool.query<{ id: string; ms: number }>(
    `SELECT transaction_id::text AS id, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::float8 AS ms
       FROM txn.transaction WHERE transaction_id >= $1`,
    [FIRST_TRANSACTION + from],
  );
  const committedMs = new Map(rows.map(({ id, ms }) => [id, ms]));
  const found: number[] = [];
  let next = 0;
  for (const { atMs, events } of requests) {
    for (const end = next + events; next < end; next += 1) {
      const id = messageIds[next] ?? '';
      const commitMs = committedMs.get(id.slice(id.lastIndexOf('-') + 1));
      if (commitMs !== undefined) found.push(atMs - commitMs);
    }
  }
  return found;
}
