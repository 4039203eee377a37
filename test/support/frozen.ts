import { readdir, readFile } from 'node:fs/promises';

export interface Frozen extends AsyncDisposable {
  /** Lets every process go on. Idempotent. */
  thaw(): Promise<void>;
}

/**
 * Stops a process and all its descendants (SIGSTOP): it answers nothing and closes nothing, as on a machine that swaps or is
 * suspended. Children that PostgreSQL's postmaster would start are stopped with it, because it cannot start any.
 */
export async function freeze(server: { readonly pid: number | null } | number): Promise<Frozen> {
  const pid = typeof server === 'number' ? server : server.pid;
  if (pid === null) throw new RangeError('the server is down');
  // The parent first: it could still start children while theirs are being looked for.
  const stopped: number[] = [];
  const waiting = [pid];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (!signal(next, 'SIGSTOP')) continue;
    stopped.push(next);
    waiting.push(...(await childrenOf(next)));
  }
  const thaw = async (): Promise<void> => {
    for (const child of stopped.splice(0).toReversed()) signal(child, 'SIGCONT');
  };
  return { thaw, [Symbol.asyncDispose]: thaw };
}

/** False when the process has gone. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const children: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = await readFile(`/proc/${name}/stat`, 'latin1');
      // pid (comm) state ppid …; comm may itself hold parentheses.
      const ppid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      if (ppid === parent) children.push(Number(name));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ESRCH') throw error;
    }
  }
  return children;
}
