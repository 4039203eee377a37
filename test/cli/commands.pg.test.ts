import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startReceiver, type Receiver } from '../../src/demo/receiver.js';
import { startConnectorProcess } from '../support/connector-process.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { invoke } from './invoke.js';

let database: TestDatabase;
let redis: TestRedis;
let receiver: Receiver;
let env: Record<string, string>;

beforeAll(async () => {
  database = await testDatabase({ migrate: false });
  redis = await testRedis();
  receiver = await startReceiver({ writeKeys: ['wk'] });
  env = {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    SEGMENT_WRITE_KEY: 'wk',
    SEGMENT_HOST: receiver.url,
    SLOT_NAME: `cli_${database.name}`,
    HTTP_PORT: '0',
  };
});
afterAll(async () => {
  await receiver.close();
  await redis.stop();
  await database.close();
});

interface Findings {
  readonly ok: boolean;
  readonly findings: readonly { area: string; id: string; level: string; what: string; fix: string }[];
}

async function checked(
  given: Record<string, string>,
  ...argv: string[]
): Promise<Findings & { exitCode: number }> {
  const { exitCode, out } = await invoke(['check', '--json', ...argv], given);
  return { exitCode, ...(JSON.parse(out) as Findings) };
}

describe('setup', () => {
  it('prints the SQL for a DBA without a connection, granting to the role of the URL', async () => {
    const unreachable = {
      DATABASE_URL: 'postgresql://app%20user:topsecret@192.0.2.1/x',
      SLOT_NAME: 'my_slot',
    };
    const { exitCode, out, err } = await invoke(['setup', '--print'], unreachable);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toContain("'my_slot'");
    expect(out).toContain('"app user"');
    expect(out).not.toContain('topsecret');
  });

  it('stops with the tables named where there is no loyalty schema', async () => {
    const { exitCode, err } = await invoke(['setup'], env);
    expect(exitCode).toBe(70);
    expect(err).toMatch(/^TABLES_MISSING: .*loyalty\.account/);
  });

  it('says of each thing what it did, and the second time that all was there', async () => {
    const first = await invoke(['setup', '--reference-schema'], env);
    expect(first).toMatchObject({ exitCode: 0, err: '' });
    for (const step of ['schema', 'publication', 'slot', 'baseline']) {
      expect(first.out).toMatch(new RegExp(`^(created|changed|kept   )  ${step} `, 'm'));
    }
    const second = await invoke(['setup'], env);
    expect(second.exitCode).toBe(0);
    expect(second.out).not.toMatch(/^(created|changed)/m);
    expect(second.out).toMatch(/Next: paytronix-segment check\n$/);
  });
});

describe('check', () => {
  it('exits 0 for what setup has made, with a Redis and a Segment that answer', async () => {
    const { exitCode, ok, findings } = await checked(env);
    expect(findings.filter(({ level }) => level === 'error')).toEqual([]);
    expect({ exitCode, ok }).toEqual({ exitCode: 0, ok: true });
    expect(new Set(findings.map(({ area }) => area))).toEqual(new Set(['PostgreSQL', 'Redis', 'Segment']));
  });

  it('sends no event', () => {
    expect(receiver.counts.events).toBe(0);
  });

  it('exits 1 and names what is missing where nothing is configured', async () => {
    const { exitCode, findings } = await checked({});
    expect(exitCode).toBe(1);
    expect(findings.map(({ id }) => id)).toEqual(['database-url', 'redis-url', 'write-key']);
    for (const { fix } of findings) expect(fix).toMatch(/^export /);
  });

  it('looks only at what the role needs', async () => {
    const areas = async (role: string) =>
      (await checked({}, '--role', role)).findings.map(({ area }) => area);
    expect(await areas('capture')).toEqual(['PostgreSQL', 'Redis']);
    expect(await areas('deliver')).toEqual(['Redis', 'Segment']);
  });

  it('exits 1 for a slot that is not there, with the command that makes it', async () => {
    const { exitCode, findings } = await checked({ ...env, SLOT_NAME: 'never_made' });
    expect(exitCode).toBe(1);
    const errors = findings.filter(({ level }) => level === 'error');
    expect(errors.map(({ fix }) => fix).join()).toContain('paytronix-segment setup');
  });

  it('reports every place that does not answer, at once', async () => {
    const nowhere = {
      DATABASE_URL: 'postgresql://u:topsecret@127.0.0.1:1/x',
      REDIS_URL: 'redis://:topsecret@127.0.0.1:1',
      SEGMENT_WRITE_KEY: 'topsecret',
      SEGMENT_HOST: 'http://127.0.0.1:1',
    };
    const { exitCode, out } = await invoke(['check'], nowhere);
    expect(exitCode).toBe(1);
    for (const area of ['PostgreSQL', 'Redis', 'Segment']) {
      expect(out).toMatch(new RegExp(`^${area}\\n(  ok .*\\n)*  error `, 'm'));
    }
    expect(out).not.toContain('topsecret');
  });
});

describe('run', () => {
  /** Starts `run` in this process; `stop` is its first signal. */
  function start(given: Record<string, string>, ...argv: string[]) {
    const first = new AbortController();
    let log = '';
    let listening: (port: number) => void;
    const port = new Promise<number>((resolve) => (listening = resolve));
    const write = (text: string): void => {
      log += text;
      const match = /"port":(\d+),"msg":"serving/.exec(text);
      if (match !== null) listening(Number(match[1]));
    };
    const ended = invoke(['run', ...argv], given, { write, signal: first.signal }).then(
      ({ exitCode }) => exitCode,
    );
    return { port, ended, stop: () => first.abort(), log: () => log };
  }

  async function ready(port: number): Promise<{ status: number; body: { reasons: string[] } }> {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    return { status: answer.status, body: (await answer.json()) as { reasons: string[] } };
  }

  it('becomes ready, serves metrics, drains at the first signal and exits 0', async () => {
    const connector = start(env);
    const port = await connector.port;
    await expect
      .poll(() => ready(port), { timeout: 15_000 })
      .toMatchObject({ status: 200, body: { reasons: [] } });
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toMatch(/^paytronix_segment_transactions_total \d+$/m);
    connector.stop();
    expect(await connector.ended).toBe(0);
    expect(connector.log()).toContain('a second signal ends the process at once');
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow('fetch failed');
    for (const line of connector.log().trim().split('\n'))
      expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  it('stops with 70 and the condition in the log where the port is taken', async () => {
    const taken = { ...env, HTTP_PORT: String(receiver.port) };
    const connector = start(taken);
    expect(await connector.ended).toBe(70);
    expect(connector.log()).toContain('"code":"HTTP_PORT_IN_USE"');
    expect(connector.log()).toContain('"advice":"Set HTTP_PORT to a free port');
  });

  it('delivers without a database', async () => {
    const { DATABASE_URL: _, ...others } = env;
    const connector = start(others, '--role', 'deliver');
    const port = await connector.port;
    await expect.poll(() => ready(port), { timeout: 15_000 }).toMatchObject({ status: 200 });
    connector.stop();
    expect(await connector.ended).toBe(0);
  });

  it('answers SIGTERM as a process: drains and exits 0', async () => {
    const child = startConnectorProcess(['run'], env, ['ignore', 'pipe', 'inherit']);
    const exited = once(child, 'exit');
    let log = '';
    child.stdout?.on('data', (chunk) => (log += String(chunk)));
    const port = () => Number(/"port":(\d+),"msg":"serving/.exec(log)?.[1] ?? 0);
    await expect.poll(port, { timeout: 15_000 }).toBeGreaterThan(0);
    await expect.poll(() => ready(port()), { timeout: 15_000 }).toMatchObject({ status: 200 });
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(log).toContain('"msg":"stopped"');
  });
});
