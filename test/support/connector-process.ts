import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { inject } from 'vitest';

/** Any command of `paytronix-segment` as a process of its own, with no environment but what is given. */
export function startConnectorProcess(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  stdio: StdioOptions = ['ignore', 'pipe', 'pipe'],
): ChildProcess {
  return spawn(process.execPath, [inject('connectorMain'), ...argv], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio,
  });
}
