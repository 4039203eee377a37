import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { ConnectorError } from '../../src/errors/connector-error.js';
import { systemClock, type Clock } from '../../src/lifecycle/clock.js';
import { ConfigReader } from '../../src/reload/read-config.js';
import { Reloader } from '../../src/reload/reloader.js';
import { eventually } from '../support/eventually.js';
import { SteppedClock } from '../support/stepped-clock.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reload-'));
});
afterEach(async () => rm(directory, { recursive: true }));

interface Watched extends AsyncDisposable {
  readonly applied: Config[];
  readonly log: () => string;
  readonly reloader: Reloader;
  fail: Error | null;
}

const ENV = { DATABASE_URL: 'postgresql://u:p@db/loyalty', REDIS_URL: 'redis://redis' };

function yaml(...sources: readonly string[]): string {
  return `sources:\n${sources.map((source) => `  - { ${source} }`).join('\n')}\n`;
}

const HARBOR = 'name: harbor, write_key: key-of-harbor-1, merchant_id: 1';
const BARN = 'name: barn, write_key: key-of-barn, merchant_id: 2';

/** Looks every few milliseconds. */
function watching(file: string, clock: Clock = systemClock): Watched {
  const reader = new ConfigReader({ ...ENV, CONFIG_FILE: file }, { command: 'run' });
  const read = reader.read();
  if (read.tag === 'refused') throw read.error;
  const applied: Config[] = [];
  const lines: string[] = [];
  const over = new AbortController();
  const watched = { fail: null as Error | null };
  const reloader = new Reloader({
    reader,
    config: read.config,
    fingerprint: read.fingerprint,
    apply: async (config) => {
      if (watched.fail !== null) throw watched.fail;
      applied.push(config);
    },
    clock,
    logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    timing: { intervalMs: 10, settleMs: 30, retryMs: 20 },
  });
  const running = reloader.run(over.signal);
  return Object.assign(watched, {
    applied,
    reloader,
    log: () => lines.join(''),
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await running;
    },
  });
}

function names({ sources }: Config): string[] {
  return sources.map(({ settings }) => settings.name);
}

describe('a file that is another takes effect', () => {
  test('written in place, or put in place of the other', async () => {
    const file = join(directory, 'connector.yaml');
    await writeFile(file, yaml(HARBOR));
    await using watched = watching(file);
    await writeFile(file, yaml(HARBOR, BARN));
    await eventually(() => watched.applied.length === 1, 'the first change');
    await writeFile(`${file}.new`, yaml(BARN));
    await rename(`${file}.new`, file);
    await eventually(() => watched.applied.length === 2, 'the second change');
    expect(watched.applied.map(names)).toEqual([['harbor', 'barn'], ['barn']]);
    expect(watched.log()).toContain('"added":["barn"],"removed":[],"changed":[]');
    expect(watched.log()).toContain('"added":[],"removed":["harbor"],"changed":[]');
  });

  test('but a trait that nobody asked for before waits for a restart: it is not published, and would be sent as null', async () => {
    const file = join(directory, 'connector.yaml');
    await writeFile(file, yaml(`${HARBOR}, traits: email`));
    await using watched = watching(file);
    await writeFile(file, yaml(`${HARBOR}, traits: "email, phone"`, `${BARN}, traits: email`));
    await eventually(() => watched.applied.length === 1, 'the change');
    expect(watched.applied[0]?.sources.map(({ settings }) => [...settings.traits])).toEqual([
      ['email'],
      ['email'],
    ]);
    expect(watched.log()).toContain('"settings":["traits of harbor"]');
  });

  test('as Kubernetes swaps a mounted directory: by a link to a link', async () => {
    const version = async (name: string, text: string): Promise<void> => {
      await rm(join(directory, name), { recursive: true, force: true });
      const made = await mkdtemp(join(directory, 'made-'));
      await writeFile(join(made, 'connector.yaml'), text);
      await rename(made, join(directory, name));
      await symlink(name, join(directory, '..data_tmp'));
      await rename(join(directory, '..data_tmp'), join(directory, '..data'));
    };
    await version('..1', yaml(HARBOR));
    await symlink(join('..data', 'connector.yaml'), join(directory, 'connector.yaml'));
    await using watched = watching(join(directory, 'connector.yaml'));
    await version('..2', yaml(HARBOR, BARN));
    await rm(join(directory, '..1'), { recursive: true });
    await eventually(() => watched.applied.length === 1, 'the change');
    expect(names(watched.applied[0] as Config)).toEqual(['harbor', 'barn']);
  });

  test('also when only a secret beside it is: a key that is rotated', async () => {
    const file = join(directory, 'connector.yaml');
    const secret = join(directory, 'key');
    await writeFile(secret, 'key-one');
    await writeFile(file, yaml(`name: harbor, write_key: "file:${secret}"`));
    await using watched = watching(file);
    await writeFile(secret, 'key-two');
    await eventually(() => watched.applied.length === 1, 'the change');
    expect(watched.applied[0]?.sources[0].delivery?.writeKey).toBe('key-two');
    expect(watched.log()).toContain('"changed":["harbor"]');
    expect(watched.log()).not.toMatch(/key-(one|two)/);
  });
});

test('a file half written is not taken for one without its last sources', async () => {
  const file = join(directory, 'connector.yaml');
  const whole = yaml(HARBOR, BARN);
  await writeFile(file, whole);
  const clock = new SteppedClock();
  await using watched = watching(file, clock);
  for (let times = 0; times < 20; times += 1) {
    // Each is a whole configuration: the first with a source less, and it is looked at.
    await writeFile(file, yaml(HARBOR));
    await clock.step();
    await writeFile(file, whole);
    await clock.step();
  }
  expect(watched.applied).toEqual([]);
  await writeFile(file, yaml(HARBOR));
  for (let looks = 0; looks < 3; looks += 1) await clock.step();
  expect(watched.applied).toHaveLength(1);
});

test('what cannot be used is refused whole, its problems are told once, and what is mended takes effect', async () => {
  const file = join(directory, 'connector.yaml');
  await writeFile(file, yaml(HARBOR));
  await using watched = watching(file);
  await writeFile(file, yaml(`${BARN}, lanes: many`, 'name: third, write_kye: x'));
  await eventually(() => watched.log().includes('is refused'), 'the refusal');
  expect(watched.log()).toContain('lanes is \\"many\\"');
  expect(watched.log()).toContain('Did you mean write_key?');
  const looks = Date.now() + 150;
  await eventually(() => Date.now() > looks, 'some looks');
  expect(watched.log().match(/is refused/g)).toHaveLength(1);
  expect(watched.applied).toEqual([]);
  await rm(file);
  await eventually(() => (watched.log().match(/is refused/g) ?? []).length === 2, 'the second refusal');
  await writeFile(file, yaml(HARBOR, BARN));
  await eventually(() => watched.applied.length === 1, 'the change');
  expect(names(watched.applied[0] as Config)).toEqual(['harbor', 'barn']);
});

test('settings that `run` holds for as long as it runs are named, and the rest takes effect', async () => {
  const file = join(directory, 'connector.yaml');
  await writeFile(file, `http_port: 8080\n${yaml(`${HARBOR}, lanes: 2`)}`);
  await using watched = watching(file);
  await writeFile(
    file,
    `http_port: 9090\nslot_name: another\n${yaml(`${HARBOR}, lanes: 4, identify: off`, BARN)}`,
  );
  await eventually(() => watched.applied.length === 1, 'the change');
  const [applied] = watched.applied;
  expect(applied).toMatchObject({ http: { port: 8080 }, capture: { slotName: 'paytronix_segment' } });
  expect(applied?.sources[0]).toMatchObject({
    lanes: 2,
    delivery: { lanes: 2 },
    settings: { identify: false },
  });
  expect(watched.log()).toContain('"settings":["slot_name","http_port","lanes of harbor"]');
});

test('asked for, it looks at once and says what it found; a change that cannot be brought into force is tried again', async () => {
  const file = join(directory, 'connector.yaml');
  await writeFile(file, yaml(HARBOR));
  await using watched = watching(file);
  watched.reloader.request();
  await eventually(() => watched.log().includes('the sources are the same'), 'the answer');
  watched.fail = new ConnectorError('QUEUE_UNAVAILABLE', 'redis is away');
  await writeFile(file, yaml(HARBOR, BARN));
  await eventually(() => (watched.log().match(/trying again/g) ?? []).length >= 2, 'two tries');
  // Something of it may be in force already.
  await writeFile(file, yaml(HARBOR));
  watched.fail = null;
  await eventually(() => watched.applied.length > 0, 'the end of it');
  expect(names(watched.applied.at(-1) as Config)).toEqual(['harbor']);
});
