import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';

import { expect, test } from 'vitest';

const SCRIPT = `
  const { startEmbeddedPostgres } = await import('./src/demo/embedded-postgres.ts');
  const { PrivateRedis } = await import('./src/demo/private-redis.ts');
  const pg = await startEmbeddedPostgres();
  const redis = await PrivateRedis.launch();
  process.stdout.write(JSON.stringify({ directory: pg.dataDirectory, ports: [pg.port, redis.port] }) + '\\n');
  setInterval(() => undefined, 1000);
`;

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

test('private servers and their files are gone soon after their owner was killed', async () => {
  const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', SCRIPT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve, reject) => {
    owner.stdout.once('data', (chunk: Buffer) => {
      resolve(chunk.toString('utf8'));
    });
    owner.once('exit', () => {
      reject(new Error('ended before its servers were up'));
    });
  });
  const { directory, ports } = JSON.parse(line) as { directory: string; ports: number[] };
  const up = (): Promise<boolean[]> => Promise.all(ports.map(accepts));
  expect(await up()).toEqual([true, true]);

  owner.kill('SIGKILL');
  await expect.poll(up, { timeout: 10_000 }).toEqual([false, false]);
  await expect.poll(() => existsSync(dirname(directory)), { timeout: 10_000 }).toBe(false);
});
