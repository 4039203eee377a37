import type { Environment } from '../config/environment.js';

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Everything a command knows of the process it runs in. */
export interface CommandContext {
  readonly env: Environment;
  readonly out: Output;
  readonly err: Output;
  /** Aborts at the first SIGTERM or SIGINT: finish what is in hand. */
  readonly signal: AbortSignal;
  /** Aborts at the second: end now. */
  readonly force: AbortSignal;
  /** Calls back at each SIGHUP, which ends a process that does not ask for it. */
  readonly onHangup?: (listener: () => void) => void;
}
