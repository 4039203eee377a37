import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

const SCRIPT = `
while read -r _; do :; done
if [ -r "$1" ]; then
  pid=$(head -n 1 "$1")
  kill -"$2" "$pid" 2>/dev/null
  i=0
  while kill -0 "$pid" 2>/dev/null && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done
fi
rm -rf "$3"
`;

export interface OrphanGuardOptions {
  /** File whose first line is the server's process id; absent while it is down. */
  readonly pidFile: string;
  /** Signal that ends the server, without the SIG prefix. */
  readonly signal: 'QUIT' | 'TERM' | 'KILL';
  /** Removed once the server is gone. */
  readonly directory: string;
}

/** Ends the guard without harm to the server's files: the owner has cleaned up itself. */
export type Release = () => Promise<void>;

/**
 * A small shell process that outlives this one just long enough to end a server and remove its files. It waits on a
 * pipe that only this process holds, so it acts however this process ends: exit, crash, or SIGKILL, which no exit
 * handler would see. It has its own session because Ctrl-C in a terminal reaches the whole foreground group.
 */
export function guardAgainstOrphan(options: OrphanGuardOptions): Release {
  const guard = spawn('sh', ['-c', SCRIPT, 'sh', options.pidFile, options.signal, options.directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const exited = new Promise<void>((resolve) => {
    guard.once('exit', () => {
      resolve();
    });
    guard.once('error', () => {
      resolve();
    });
  });
  guard.unref();
  // A child's pipe is a socket, whatever its type says, and would keep the event loop alive.
  if (guard.stdin instanceof Socket) guard.stdin.unref();
  return async () => {
    guard.ref();
    guard.kill('SIGKILL');
    await exited;
  };
}
