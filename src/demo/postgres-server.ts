import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ConnectorError } from '../errors/connector-error.js';
import { systemClock } from '../lifecycle/clock.js';
import { freePort } from './free-port.js';
import { lastLines, readIfThere } from './server-log.js';
import { guardAgainstOrphan, type Release } from './orphan-guard.js';

/** `fast` disconnects sessions and shuts down cleanly; `immediate` is a crash: the next start recovers from the WAL. */
export type ShutdownMode = 'fast' | 'immediate';

/** The account a server runs as. Empty for the caller's own; PostgreSQL refuses to run as root. */
export interface RunAs {
  readonly uid?: number;
  readonly gid?: number;
}

export interface PostgresServerOptions {
  /** Survive a crash of the machine (fsync on). Default false: speed. A crash of the server alone loses nothing. */
  readonly durable?: boolean;
  /** Default 60,000, PostgreSQL's own; 0 = disabled. */
  readonly walSenderTimeoutMs?: number;
  /** Default true. */
  readonly trackCommitTimestamp?: boolean;
  /** Further settings, name → value; these win. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly runAs: RunAs;
}

const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 20;

/** A private server with its own data directory, listening on 127.0.0.1 only. Disposing removes everything. */
export class PostgresServer implements AsyncDisposable {
  readonly port: number;
  readonly dataDirectory: string;
  readonly #binaries: PostgresBinaries;
  readonly #directory: string;
  readonly #password: string;
  readonly #flags: readonly string[];
  readonly #release: Release;
  #process: { child: ChildProcess; exited: Promise<void> } | null = null;

  private constructor(fields: {
    binaries: PostgresBinaries;
    directory: string;
    password: string;
    port: number;
    flags: readonly string[];
  }) {
    this.#binaries = fields.binaries;
    this.#directory = fields.directory;
    this.#password = fields.password;
    this.#flags = fields.flags;
    this.port = fields.port;
    this.dataDirectory = join(fields.directory, 'data');
    this.#release = guardAgainstOrphan({
      pidFile: join(this.dataDirectory, 'postmaster.pid'),
      signal: 'QUIT',
      directory: fields.directory,
    });
  }

  /** Makes a new cluster in a temporary directory and starts it. @throws ConnectorError DEMO_SERVER */
  static async launch(
    binaries: PostgresBinaries,
    options: PostgresServerOptions = {},
  ): Promise<PostgresServer> {
    const directory = await mkdtemp(join(tmpdir(), 'paytronix-segment-pg-'));
    const password = randomBytes(12).toString('hex');
    const server = new PostgresServer({
      binaries,
      directory,
      password,
      port: await freePort(),
      flags: settingFlags(serverSettings(options)),
    });
    try {
      await initialise(binaries, directory, password);
      await server.start();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /**
   * Another server on a copy of this one's files as they are now; this one is down, or the copy is of no use. Not started yet.
   * @param options.settings beside those that this server has; these win.
   */
  async copy(options: Pick<PostgresServerOptions, 'settings'> = {}): Promise<PostgresServer> {
    const directory = await mkdtemp(join(tmpdir(), 'paytronix-segment-pg-'));
    const { code, output } = await runToEnd('cp', ['-a', this.dataDirectory, join(directory, 'data')]);
    if (code !== 0) throw new ConnectorError('DEMO_SERVER', `copying the files failed: ${lastLines(output)}`);
    const { uid, gid } = this.#binaries.runAs;
    if (uid !== undefined && gid !== undefined) await chown(directory, uid, gid);
    return new PostgresServer({
      binaries: this.#binaries,
      directory,
      password: this.#password,
      port: await freePort(),
      flags: [...this.#flags, ...settingFlags(options.settings ?? {})],
    });
  }

  /** Of the superuser, in database `postgres` unless another is named. */
  url(database = 'postgres'): string {
    return `postgresql://postgres:${this.#password}@127.0.0.1:${this.port}/${encodeURIComponent(database)}`;
  }

  get running(): boolean {
    return this.#process !== null;
  }

  /** Of the server's first process; null while it is down. */
  get pid(): number | null {
    return this.#process?.child.pid ?? null;
  }

  /** Starts it again on the same data and port, when it is down; resolves when it takes connections. */
  async start(): Promise<void> {
    if (this.#process !== null) return;
    const log = await open(join(this.#directory, 'server.log'), 'a');
    const child = spawn(
      this.#binaries.postgres,
      ['-D', this.dataDirectory, '-p', String(this.port), ...this.#flags],
      // Its own session: Ctrl-C in a terminal must reach the demo alone, which then stops in order.
      { ...this.#binaries.runAs, cwd: this.#directory, stdio: ['ignore', log.fd, log.fd], detached: true },
    );
    const exited = new Promise<void>((resolve) => {
      const ended = (): void => {
        if (this.#process?.child === child) this.#process = null;
        resolve();
      };
      child.once('exit', ended);
      child.once('error', ended);
    });
    child.unref();
    await log.close();
    this.#process = { child, exited };
    await this.#untilReady(child);
  }

  /** Takes it down and keeps the data. */
  async halt(mode: ShutdownMode = 'fast'): Promise<void> {
    const process = this.#process;
    if (process === null) return;
    process.child.ref();
    process.child.kill(SIGNALS[mode]);
    await process.exited;
  }

  async restart(mode: ShutdownMode = 'fast'): Promise<void> {
    await this.halt(mode);
    await this.start();
  }

  /** Takes it down for good and removes the data. */
  async stop(): Promise<void> {
    await this.halt('immediate');
    await this.#release();
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 3 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** What pg_ctl waits for: the eighth line of postmaster.pid, which the server itself writes. */
  async #untilReady(child: ChildProcess): Promise<void> {
    const deadline = systemClock.now() + START_TIMEOUT_MS;
    const pidFile = join(this.dataDirectory, 'postmaster.pid');
    while (systemClock.now() < deadline && this.#process !== null) {
      const lines = (await readIfThere(pidFile)).split('\n');
      if (lines[0] === String(child.pid) && lines[7]?.trim() === 'ready') return;
      await systemClock.sleep(POLL_MS);
    }
    const log = await readIfThere(join(this.#directory, 'server.log'));
    throw new ConnectorError('DEMO_SERVER', `the private PostgreSQL did not start: ${lastLines(log)}`);
  }
}

function serverSettings(options: PostgresServerOptions): Readonly<Record<string, string>> {
  const durable = options.durable ?? false;
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    wal_level: 'logical',
    max_replication_slots: '100',
    max_wal_senders: '100',
    max_connections: '300',
    shared_buffers: '64MB',
    timezone: 'UTC',
    wal_sender_timeout: String(options.walSenderTimeoutMs ?? 60_000),
    track_commit_timestamp: (options.trackCommitTimestamp ?? true) ? 'on' : 'off',
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...options.settings,
  };
}

function settingFlags(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function initialise(binaries: PostgresBinaries, directory: string, password: string): Promise<void> {
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  const { uid, gid } = binaries.runAs;
  if (uid !== undefined && gid !== undefined) {
    await chown(directory, uid, gid);
    await chown(passwordFile, uid, gid);
  }
  const args = ['--username=postgres', '--auth=password', `--pwfile=${passwordFile}`];
  args.push(
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
    '--no-instructions',
    `--pgdata=${join(directory, 'data')}`,
  );
  const { code, output } = await runToEnd(binaries.initdb, args, { ...binaries.runAs, cwd: directory });
  await rm(passwordFile, { force: true });
  if (code !== 0) throw new ConnectorError('DEMO_SERVER', `initdb failed: ${lastLines(output)}`);
}

/** Runs a program and gathers what it printed. `code` null: it was killed. */
export async function runToEnd(
  program: string,
  args: readonly string[],
  options: RunAs & { readonly cwd?: string } = {},
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, output: Buffer.concat(chunks).toString('utf8') });
    });
  });
}
