import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { startConnectorProcess } from './connector-process.js';
import { eventually } from './eventually.js';

export interface RunningProcess {
  readonly child: ChildProcess;
  /** Its log so far. */
  readonly log: () => string;
  /** Resolves when the log holds this text. */
  logged(text: string): Promise<void>;
  /** Sends the signal and resolves with the exit code, null when the signal ended it. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

export function startProcess(argv: readonly string[], env: Readonly<Record<string, string>>): RunningProcess {
  const child = startConnectorProcess(argv, env);
  let log = '';
  const keep = (chunk: Buffer): void => void (log += chunk.toString());
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  return {
    child,
    log: () => log,
    logged: async (text) =>
      eventually(
        () => log.includes(text),
        () => `"${text}" in the log:\n${log}`,
      ),
    end: async (signal) => {
      child.kill(signal);
      const [code] = await exited;
      return code;
    },
  };
}
