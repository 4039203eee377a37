import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freeze, type Frozen } from '../support/frozen.js';

export interface Member {
  readonly name: string;
  readonly role: 'capture' | 'deliver';
  readonly env: Readonly<Record<string, string>>;
}

export interface FleetOptions {
  readonly members: readonly Member[];
  /** Where each member's log goes. */
  readonly directory: string;
  readonly log: (text: string) => void;
  /** Told of each process that ended by itself with a condition that needs a person. */
  readonly onStopped: (condition: string) => void;
}

/** How a process ended. */
export interface Ending {
  readonly member: string;
  readonly code: number | null;
  readonly signal: string | null;
  /** The condition its log names last; null when it names none. */
  readonly condition: string | null;
  /** What somebody here did to it; both where it was killed while it drained. */
  readonly killed: boolean;
  readonly drained: boolean;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** From being asked to drain to its end; null: nobody asked. */
  readonly drainMs: number | null;
  /** It had written to its log. One that had not was asked before it could listen. */
  readonly spoke: boolean;
}

interface Running {
  readonly child: ChildProcess;
  readonly startedAtMs: number;
  readonly exited: Promise<void>;
  killed: boolean;
  /** Null: nobody asked it to drain. Time in which it was frozen is not counted. */
  drain: { readonly fromMs: number; frozenMs: number } | null;
  readonly rssBytes: number[];
}

const RESTART_MS = 500;
const SAMPLE_MS = 5_000;
const MAIN = new URL('../../dist/src/main.js', import.meta.url).pathname;

/** The connector's processes under a supervisor that starts each again when it ends, as a service manager would. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #running = new Map<string, Running>();
  readonly #held = new Set<string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #sampling: NodeJS.Timeout | null = null;
  #ending = false;
  readonly endings: Ending[] = [];
  /** Of each process that lived: resident bytes, sampled every five seconds. */
  readonly rss: { readonly member: string; readonly bytes: readonly number[] }[] = [];

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get members(): readonly Member[] {
    return this.#options.members;
  }

  start(): void {
    for (const member of this.members) this.#start(member);
    this.#sampling = setInterval(() => void this.#sample(), SAMPLE_MS);
  }

  /** False when it is down just now, or dying. */
  kill(name: string): boolean {
    const running = this.#running.get(name);
    if (running === undefined || running.killed) return false;
    running.killed = true;
    return running.child.kill('SIGKILL');
  }

  /** Null when it is down just now. Thaw it before the run ends. */
  async freeze(name: string): Promise<Frozen | null> {
    const running = this.#running.get(name);
    const pid = running?.child.pid;
    if (running === undefined || pid === undefined) return null;
    const fromMs = Date.now();
    const frozen = await freeze(pid);
    const thaw = async (): Promise<void> => {
      await frozen.thaw();
      if (running.drain !== null)
        running.drain.frozenMs += Date.now() - Math.max(fromMs, running.drain.fromMs);
    };
    return { thaw, [Symbol.asyncDispose]: thaw };
  }

  /** Asks it to drain, and waits for its end. Null when it is down just now. */
  async drain(name: string): Promise<Ending | null> {
    const running = this.#running.get(name);
    if (running === undefined) return null;
    running.drain ??= { fromMs: Date.now(), frozenMs: 0 };
    running.child.kill('SIGTERM');
    await running.exited;
    return this.endings.findLast(({ member }) => member === name) ?? null;
  }

  /** Ends every process of a role and starts none until `resume`. */
  async hold(role: Member['role']): Promise<{ readonly resume: () => void }> {
    const names = this.members.filter((member) => member.role === role).map(({ name }) => name);
    for (const name of names) this.#held.add(name);
    await Promise.all(names.map(async (name) => this.drain(name)));
    return {
      resume: () => {
        for (const member of this.members.filter(({ name }) => names.includes(name))) {
          this.#held.delete(member.name);
          this.#start(member);
        }
      },
    };
  }

  logOf(name: string): string {
    return readFileSync(this.#logFile(name), 'utf8');
  }

  /** Drains every process. Their endings are among `endings` then. */
  async end(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#sampling !== null) clearInterval(this.#sampling);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.all(this.members.map(async ({ name }) => this.drain(name)));
  }

  #start(member: Member): void {
    const { name, role, env } = member;
    if (this.#ending || this.#held.has(name) || this.#running.has(name)) return;
    const file = openSync(this.#logFile(name), 'a');
    const from = statSync(this.#logFile(name)).size;
    const child = spawn(process.execPath, [MAIN, 'run', '--role', role], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', file, file],
    });
    closeSync(file);
    const running: Running = {
      child,
      startedAtMs: Date.now(),
      exited: once(child, 'exit').then(() => this.#ended(member, running, from)),
      killed: false,
      drain: null,
      rssBytes: [],
    };
    this.#running.set(name, running);
  }

  #ended({ name }: Member, running: Running, logFrom: number): void {
    const { exitCode: code, signalCode: signal } = running.child;
    this.#running.delete(name);
    this.rss.push({ member: name, bytes: running.rssBytes });
    const log = readFileSync(this.#logFile(name)).subarray(logFrom).toString('utf8');
    const condition = conditionIn(log);
    const { killed, drain } = running;
    const atMs = Date.now();
    this.endings.push({
      member: name,
      code,
      signal,
      condition,
      killed,
      drained: drain !== null,
      atMs,
      drainMs: drain === null ? null : atMs - drain.fromMs - drain.frozenMs,
      spoke: log !== '',
    });
    if (!killed && drain === null) {
      this.#options.log(`${name} ended by itself: ${code ?? signal} ${condition ?? ''}`);
      if (condition !== null) this.#options.onStopped(condition);
    }
    if (this.#ending || this.#held.has(name)) return;
    const member = this.members.find((known) => known.name === name);
    this.#timers.set(
      name,
      setTimeout(() => member !== undefined && this.#start(member), RESTART_MS),
    );
  }

  async #sample(): Promise<void> {
    for (const { child, rssBytes } of this.#running.values()) {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
      const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
      if (kilobytes !== undefined) rssBytes.push(Number(kilobytes) * 1_024);
    }
  }

  #logFile(name: string): string {
    return join(this.#options.directory, `${name}.log`);
  }
}

const FATAL = 60;
const UNFORESEEN = 'no code';

/** Whether a process ended with an error that the connector has no name for: never right, also where its end was meant. */
export function isUnforeseen(condition: string | null): boolean {
  return condition?.startsWith(UNFORESEEN) === true;
}

function conditionIn(log: string): string | null {
  for (const line of log.trimEnd().split('\n').toReversed()) {
    const entry = entryIn(line);
    if (entry?.level !== FATAL) continue;
    const reason = entry.reason === undefined ? '' : ` [${entry.reason}]`;
    // Without a code nobody foresaw it, and a run elsewhere leaves nothing to read but its report.
    const stack = entry.code === undefined && entry.err?.stack !== undefined ? `\n${entry.err.stack}` : '';
    return `${entry.code ?? UNFORESEEN}: ${entry.msg ?? ''}${stack}${reason}`;
  }
  return null;
}

interface LogEntry {
  readonly level?: number;
  readonly code?: string;
  readonly msg?: string;
  readonly err?: { readonly stack?: string };
  /** Of a gap: what the start found. */
  readonly reason?: string;
}

/** Null for what is no line of the log: a killed process leaves half a one. */
function entryIn(line: string): LogEntry | null {
  try {
    return JSON.parse(line) as LogEntry;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
