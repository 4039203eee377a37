import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';

/** The real process, from its sources. */
async function main(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', ...argv], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (output.out += String(chunk)));
  child.stderr.on('data', (chunk) => (output.err += String(chunk)));
  const [exitCode] = await once(child, 'close');
  return { exitCode, ...output };
}

describe('the process', () => {
  it('ends with the exit code of the command, what it wrote being whole', async () => {
    const { exitCode, out, err } = await main(['run', '--help']);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toContain('SHUTDOWN_GRACE');
    expect(out.endsWith('\n')).toBe(true);
  });

  it('takes its configuration from the environment, and says on stderr what is wrong with it', async () => {
    const { exitCode, out, err } = await main(['run', '--role', 'deliver'], {
      REDIS_URL: 'redis://127.0.0.1:1',
      LANES: 'x',
    });
    expect({ exitCode, out }).toEqual({ exitCode: 78, out: '' });
    expect(err).toContain('LANES is "x"');
    expect(err).toContain('SEGMENT_WRITE_KEY is not set');
    expect(err).not.toContain('DATABASE_URL');
  });

  it('refuses an unknown command with 64', async () => {
    expect((await main(['rum'])).exitCode).toBe(64);
  });
});
