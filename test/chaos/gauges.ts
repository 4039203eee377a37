import { toError } from '../../src/errors/connector-error.js';
import { toleratedCode } from './faults/tolerated.js';
import type { Site } from './site.js';

const LOOK_MS = 5_000;
const TICK_MS = 250;
/** A client waits three seconds for an answer; where the run itself stands still this long, one may give up. */
const STALL_MS = 1_500;

/** The run stood still, and the receiver that is part of it. Milliseconds since 1970. */
export interface Stall {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** How the WAL grew with time, and when this very process was not given the machine. */
export class Gauges {
  readonly #site: Pick<Site, 'pool'>;
  readonly #wal: { readonly atMs: number; readonly position: string }[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  readonly stalls: Stall[] = [];
  readonly findings: string[] = [];

  constructor(site: Pick<Site, 'pool'>) {
    this.#site = site;
  }

  start(): void {
    let lastMs = Date.now();
    this.#timers.push(
      setInterval(() => {
        const nowMs = Date.now();
        if (nowMs - lastMs > STALL_MS) this.stalls.push({ fromMs: lastMs, untilMs: nowMs });
        lastMs = nowMs;
      }, TICK_MS),
      setInterval(() => void this.#look(), LOOK_MS),
    );
  }

  end(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /** Where the WAL stood at `atMs`, or a little earlier; null: no look goes back that far. */
  walAt(atMs: number): string | null {
    return this.#wal.findLast((look) => look.atMs <= atMs)?.position ?? null;
  }

  async #look(): Promise<void> {
    const atMs = Date.now();
    try {
      const { rows } = await this.#site.pool.query<{ position: string }>(
        'SELECT pg_current_wal_lsn()::text AS position',
      );
      for (const { position } of rows) this.#wal.push({ atMs, position });
    } catch (thrown) {
      if (toleratedCode(thrown) === null)
        this.findings.push(`the WAL's position: ${toError(thrown).message}`);
    }
  }
}
