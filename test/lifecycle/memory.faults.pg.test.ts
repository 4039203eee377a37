import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { SHORT } from '../support/short-form.js';
import { system } from '../support/system.js';

const WARM_ROUNDS = 4;
const ROUNDS = SHORT ? 8 : 15;
const MIB = 1_048_576;

/** What each session makes for itself. Beside it there are bounded caches, which fill, and what requests leave for some seconds. */
const OF_A_SESSION = [
  'CaptureSession',
  'LiveStream',
  'WalStream',
  'RedisEventSink',
  'LaneProducer',
  'Directory',
  'StreamFloor',
  'Books',
  'Checkpoints',
  'CatchUps',
  'Client',
  'Connection',
  'Socket',
  'AbortController',
  'EitherSignal',
];

interface HeapSnapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly (readonly string[])[];
    };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

interface Held {
  /** Of all that is not compiled code, which comes with use and goes again. */
  readonly mib: number;
  /** How many objects of each class there are. */
  readonly classes: ReadonlyMap<string, number>;
}

/** Null while the file is still being written. */
function heldIn(text: string): Held | null {
  if (!text.trimEnd().endsWith('}')) return null;
  const { snapshot, nodes, strings } = JSON.parse(text) as HeapSnapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field));
  const kinds = types[type ?? 0] ?? [];
  const [code, object] = [kinds.indexOf('code'), kinds.indexOf('object')];
  const classes = new Map<string, number>();
  let bytes = 0;
  for (let node = 0; node < nodes.length; node += fields.length) {
    const kind = nodes[node + (type ?? 0)];
    if (kind !== code) bytes += nodes[node + (size ?? 0)] ?? 0;
    if (kind !== object) continue;
    const className = strings[nodes[node + (name ?? 0)] ?? 0] ?? '';
    classes.set(className, (classes.get(className) ?? 0) + 1);
  }
  return { mib: bytes / MIB, classes };
}

test('sessions broken once a second, one after the other, leave nothing behind in memory', async () => {
  await using brand = await system({ seed: 5, guests: 100 });
  const snapshots = await mkdtemp(join(tmpdir(), 'heap-'));
  const connector = brand.run('all', {
    NODE_OPTIONS: `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${snapshots}`,
  });
  const sessions = (): number => connector.log().split('capture is streaming').length - 1;
  const breakSession = async (): Promise<void> => {
    const streaming = sessions();
    await brand.db.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name LIKE 'paytronix-segment%' AND datname = current_database()`,
    );
    await eventually(() => sessions() > streaming, 'the next session');
  };
  /** Business with a session broken each second, to its end: all delivered, and a new session that has nothing to do. */
  const breakSessions = async (rounds: number): Promise<void> => {
    const business = brand.business(rounds + 2);
    for (let round = 0; round < rounds; round += 1) {
      await delay(1_000);
      await breakSession();
    }
    await business;
    expect((await brand.verdict()).findings, connector.log()).toEqual([]);
    // A slow session still brings again what the one before it had sent: until a change that says nothing is confirmed.
    const { rows } = await brand.db.sql<{ at: string }>('SELECT pg_current_wal_lsn() AS at');
    await brand.db.sql('UPDATE loyalty.store SET store_name = store_name');
    await eventually(async () => {
      const slots = await brand.db.sql(
        `SELECT FROM pg_replication_slots WHERE slot_name = $1 AND confirmed_flush_lsn >= $2`,
        [brand.env.SLOT_NAME, rows[0]?.at],
      );
      return slots.rowCount === 1;
    }, 'the slot caught up');
    await breakSession();
  };
  /** What is still held: taking a snapshot of the heap begins with a collection. */
  const held = async (): Promise<Held> => {
    const before = await readdir(snapshots);
    connector.child.kill('SIGUSR2');
    let found: Held | null = null;
    await eventually(async () => {
      const made = (await readdir(snapshots)).find((name) => !before.includes(name));
      found = made === undefined ? null : heldIn(await readFile(join(snapshots, made), 'utf8'));
      return found !== null;
    }, 'a snapshot of the heap');
    return found ?? { mib: 0, classes: new Map() };
  };

  await connector.logged('capture is streaming');
  await breakSessions(WARM_ROUNDS);
  const warm = await held();
  await breakSessions(ROUNDS);
  let after = warm;
  const grown = (): string[] =>
    OF_A_SESSION.filter((name) => (after.classes.get(name) ?? 0) - (warm.classes.get(name) ?? 0) >= ROUNDS);
  for (const name of OF_A_SESSION) expect(warm.classes.has(name), name).toBe(true);
  await eventually(
    async () => {
      after = await held();
      return grown().length === 0;
    },
    () => `as many of each class as before, but ${grown().join()}`,
  );
  await rm(snapshots, { recursive: true });
  // Measured: 26.7 MiB, then 26.9.
  expect(after.mib, `MiB, after ${warm.mib} when it was warm`).toBeLessThan(warm.mib * 1.1);
  expect(await connector.end('SIGTERM')).toBe(0);
}, 180_000);
