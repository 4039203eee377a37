import { setTimeout as delay } from 'node:timers/promises';
import { ConnectorProcess } from './connector.js';
import type { FigureResult } from './measure.js';
import { BenchReceiver } from './receiver.js';
import { scaled, type Setting } from './setting.js';
import { Site } from './site.js';
import { cpuSeconds } from './usage.js';

const SECONDS = 90;
/** What an unrelated table of a busy database writes in an hour at 0.5 MB/s comes here in a minute and a half. */
const BURSTS_A_SECOND = 10;
const ROWS_A_BURST = 250;
const ROW_BYTES = 8_000;
const MIB = 1024 ** 2;
const SETTLE_MS = 2_000;

/** Nothing of what is published changes, while another table is written to: what does waiting cost, and is WAL let go of? One round. */
export async function measureIdle(setting: Setting): Promise<FigureResult> {
  const seconds = scaled(setting, SECONDS, 4);
  await using site = await Site.open(setting, { accounts: 10 });
  await using receiver = await BenchReceiver.start();
  await site.setUpSlot('idle');
  await using connector = ConnectorProcess.start(site, {
    role: 'all',
    slotName: 'idle',
    segmentHost: receiver.url,
  });
  await connector.logged('capture is streaming');
  await delay(SETTLE_MS);
  const before = { cpu: cpuSeconds(connector.pid), wal: await walBytes(site), atMs: performance.now() };
  let most = 0;
  while (performance.now() < before.atMs + seconds * 1_000) {
    const burst = performance.now();
    await site.pool.query(
      `INSERT INTO bench.unrelated (payload) SELECT repeat('x', ${ROW_BYTES}) FROM generate_series(1, ${ROWS_A_BURST})`,
    );
    most = Math.max(most, await unconfirmedBytes(site));
    await delay(Math.max(0, 1_000 / BURSTS_A_SECOND - (performance.now() - burst)));
  }
  const wallSeconds = (performance.now() - before.atMs) / 1_000;
  const percent = (100 * (cpuSeconds(connector.pid) - before.cpu)) / wallSeconds;
  const writtenMiB = ((await walBytes(site)) - before.wal) / MIB;
  await connector.stop();
  const { messageIds } = await receiver.take();
  return {
    measures: [
      {
        what: 'CPU of the connector',
        unit: '% of a core',
        values: [percent],
        baseline: null,
        goal: { of: 'value', bound: 'most', limit: 1 },
      },
      {
        what: 'most WAL not let go of',
        unit: 'MiB',
        values: [most / MIB],
        baseline: { name: 'WAL written', values: [writtenMiB] },
        goal: null,
      },
    ],
    findings: messageIds.length === 0 ? [] : [`${messageIds.length} events of nothing`],
    notes: [
      `${Math.round(wallSeconds)} s; WAL may wait for the ten seconds between two checkpoints of keepalives alone`,
    ],
  };
}

async function walBytes(site: Site): Promise<number> {
  const { rows } = await site.pool.query<{ bytes: string }>(`SELECT pg_current_wal_lsn() - '0/0' AS bytes`);
  return Number(rows[0]?.bytes);
}

async function unconfirmedBytes(site: Site): Promise<number> {
  const { rows } = await site.pool.query<{ bytes: string }>(
    `SELECT pg_current_wal_lsn() - confirmed_flush_lsn AS bytes FROM pg_replication_slots WHERE slot_name = 'idle'`,
  );
  return Number(rows[0]?.bytes);
}
