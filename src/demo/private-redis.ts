import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ConnectorError, toError } from '../errors/connector-error.js';
import { systemClock } from '../lifecycle/clock.js';
import { freePort } from './free-port.js';
import { lastLines, readIfThere } from './server-log.js';
import { guardAgainstOrphan, type Release } from './orphan-guard.js';

export interface PrivateRedisOptions {
  /** Program to run. Default: the first of redis-server and valkey-server on PATH. */
  readonly program?: string;
  /** Default true: as `check` wants it of a production server. */
  readonly appendOnly?: boolean;
  /** Default `noeviction`. */
  readonly maxMemoryPolicy?: string;
  /** Default 0: no limit. */
  readonly maxMemoryBytes?: number;
  /** Further directives of redis.conf, name → value; these win. */
  readonly settings?: Readonly<Record<string, string>>;
}

const PROGRAMS = ['redis-server', 'valkey-server'];
const START_TIMEOUT_MS = 20_000;
const POLL_MS = 20;

/** A Redis or Valkey of one's own on a free port of 127.0.0.1, its files in a temporary directory. */
export class PrivateRedis implements AsyncDisposable {
  readonly port: number;
  readonly #program: string;
  readonly #directory: string;
  readonly #configuration: string;
  readonly #release: Release;
  #process: { child: ChildProcess; exited: Promise<void> } | null = null;

  private constructor(program: string, directory: string, port: number, options: PrivateRedisOptions) {
    this.#program = program;
    this.#directory = directory;
    this.port = port;
    this.#configuration = configurationText(directory, port, options);
    this.#release = guardAgainstOrphan({ pidFile: join(directory, 'pid'), signal: 'KILL', directory });
  }

  /** @throws ConnectorError DEMO_UNAVAILABLE when no server program is on PATH, DEMO_SERVER when it does not answer. */
  static async launch(options: PrivateRedisOptions = {}): Promise<PrivateRedis> {
    const candidates = options.program === undefined ? PROGRAMS : [options.program];
    for (const program of candidates) {
      const directory = await mkdtemp(join(tmpdir(), 'paytronix-segment-redis-'));
      const server = new PrivateRedis(program, directory, await freePort(), options);
      try {
        await server.start();
        return server;
      } catch (error) {
        await server.dispose();
        if (!isMissingProgram(error)) throw error;
      }
    }
    throw new ConnectorError('DEMO_UNAVAILABLE', `none of ${candidates.join(', ')} is on PATH`);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get running(): boolean {
    return this.#process !== null;
  }

  /** Of the server's first process; null while it is down. */
  get pid(): number | null {
    return this.#process?.child.pid ?? null;
  }

  /** Starts it again on the same port and files, when it is down; resolves when it answers with its data loaded. */
  async start(): Promise<void> {
    if (this.#process !== null) return;
    // In a file, not as arguments: other users of the machine can read those.
    const file = join(this.#directory, 'redis.conf');
    await writeFile(file, this.#configuration, { mode: 0o600 });
    const child = spawn(this.#program, [file], {
      cwd: this.#directory,
      stdio: 'ignore',
      detached: true,
    });
    let failure: Error | null = null;
    const exited = new Promise<void>((resolve) => {
      const ended = (): void => {
        if (this.#process?.child === child) this.#process = null;
        resolve();
      };
      child.once('exit', ended);
      child.once('error', (error) => {
        failure = error;
        ended();
      });
    });
    child.unref();
    this.#process = { child, exited };
    const deadline = systemClock.now() + START_TIMEOUT_MS;
    while (systemClock.now() < deadline && this.#process !== null) {
      if (await answersPing(this.port)) return;
      await systemClock.sleep(POLL_MS);
    }
    // Assigned by the listener, which control flow analysis does not see.
    const spawnError = failure as Error | null;
    if (spawnError !== null) throw spawnError;
    const log = await readIfThere(join(this.#directory, 'server.log'));
    throw new ConnectorError('DEMO_SERVER', `the private ${this.#program} did not start: ${lastLines(log)}`);
  }

  /** Takes it down in order (files written) and keeps its files. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** A crash: SIGKILL. Its files stay. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Takes it down for good and removes its files. */
  async dispose(): Promise<void> {
    await this.#end('SIGKILL');
    await this.#release();
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 3 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const process = this.#process;
    if (process === null) return;
    process.child.ref();
    process.child.kill(signal);
    await process.exited;
    // A killed server leaves its pid file; the guard must not signal a number that is someone else's by then.
    await rm(join(this.#directory, 'pid'), { force: true });
  }
}

function configurationText(directory: string, port: number, options: PrivateRedisOptions): string {
  const settings: Record<string, string> = {
    port: String(port),
    bind: '127.0.0.1',
    dir: JSON.stringify(directory),
    pidfile: JSON.stringify(join(directory, 'pid')),
    logfile: JSON.stringify(join(directory, 'server.log')),
    save: '""',
    appendonly: (options.appendOnly ?? true) ? 'yes' : 'no',
    appendfsync: 'everysec',
    'maxmemory-policy': options.maxMemoryPolicy ?? 'noeviction',
    maxmemory: String(options.maxMemoryBytes ?? 0),
    ...options.settings,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('');
}

/** Inline PING over a plain socket: this file must not need a Redis client. False while down or loading. */
async function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    const finish = (): void => {
      socket.destroy();
      resolve(answer.startsWith('+PONG'));
    };
    socket.once('error', finish);
    socket.once('close', finish);
    socket.setTimeout(1_000, finish);
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      if (answer.includes('\r\n')) finish();
    });
    socket.write('PING\r\n');
  });
}

function isMissingProgram(error: unknown): boolean {
  return (toError(error) as NodeJS.ErrnoException).code === 'ENOENT';
}
