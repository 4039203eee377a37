import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PUBLICATION, type Site } from './site.js';
import { until } from './until.js';

const MAIN = new URL('../../dist/src/main.js', import.meta.url).pathname;
export const WRITE_KEY = 'bench-write-key';
/** As much as an option takes: the limiter works, and never waits. */
export const NO_LIMIT = '100000';
const LOG_LINES_KEPT = 40;

interface LogLine {
  readonly time: number;
  readonly msg: string;
}

export interface ConnectorOptions {
  readonly role: 'all' | 'capture' | 'deliver';
  readonly slotName: string;
  /** Origin of the receiver. Default: none is there, for capture. */
  readonly segmentHost?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** `paytronix-segment run` as it is shipped, in a process of its own and with default settings but for the places. */
export class ConnectorProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** Rejects when the process ends by itself. */
  readonly failed: Promise<never>;
  readonly #exited: Promise<unknown>;
  readonly #times = new Map<string, number>();
  readonly #tail: string[] = [];
  #stopping = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#read(line));
    }
    this.#exited = once(child, 'exit');
    this.failed = this.#exited.then(() => {
      if (this.#stopping) return new Promise<never>(() => undefined);
      throw new Error(`the connector ended by itself:\n${this.#tail.join('\n')}`);
    });
    this.failed.catch(() => undefined);
  }

  static start(site: Site, { role, slotName, segmentHost, env }: ConnectorOptions): ConnectorProcess {
    const settings = {
      DATABASE_URL: site.databaseUrl,
      REDIS_URL: site.redisUrl,
      SEGMENT_WRITE_KEY: WRITE_KEY,
      SEGMENT_HOST: segmentHost ?? 'http://127.0.0.1:9',
      PUBLICATION_NAME: PUBLICATION,
      SLOT_NAME: slotName,
      SPILL_DIR: site.spillDir,
      HTTP_PORT: '0',
      RATE_LIMIT_PER_SECOND: NO_LIMIT,
      ...env,
    };
    // For instance `--cpu-prof --cpu-prof-dir=/tmp/profiles`.
    const flags = (process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');
    const child = spawn(process.execPath, [...flags, MAIN, 'run', '--role', role], {
      env: { PATH: process.env['PATH'] ?? '', ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // It must not outlive a bench that is interrupted.
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    return new ConnectorProcess(child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** When its log first said so, milliseconds since 1970. */
  async logged(message: string): Promise<number> {
    await until(() => this.#times.has(message), `"${message}" in the log`, {
      everyMs: 5,
      failed: this.failed,
    });
    return this.#times.get(message) ?? 0;
  }

  /** @throws Error when it does not end in order */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM');
    await this.#exited;
    if (this.#child.exitCode !== 0)
      throw new Error(
        `the connector ended with ${this.#child.exitCode ?? 'a signal'}:\n${this.#tail.join('\n')}`,
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #read(line: string): void {
    this.#tail.push(line);
    if (this.#tail.length > LOG_LINES_KEPT) this.#tail.shift();
    if (!line.startsWith('{')) return;
    const { time, msg } = JSON.parse(line) as LogLine;
    if (!this.#times.has(msg)) this.#times.set(msg, Number.isFinite(time) ? time : Date.parse(String(time)));
  }
}
