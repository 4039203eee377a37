import type pg from 'pg';
import { invoked } from '../backfill/invoked.js';
import { asked } from './asked.js';
import type { Fleet } from './fleet.js';

export interface OperatorOptions {
  readonly fleet: Fleet;
  readonly env: Readonly<Record<string, string>>;
  readonly pool: pg.Pool;
  readonly log: (text: string) => void;
}

const ATTEMPTS = 40;
const PAUSE_MS = 1_500;
/** Gaps that were filled from the tables. Times in milliseconds since 1970. */
export interface Recovery {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Rows of commits after it were read: the beginning of the gaps, less the margin; -Infinity where it is not known. */
  readonly committedAfterMs: number;
}

/** Longer than any transaction of the run is open. */
const MARGIN_SECONDS = 60;

/** Does what the connector's own words ask a person to do. */
export class Operator {
  readonly #options: OperatorOptions;
  #busy: Promise<void> = Promise.resolve();
  readonly recoveries: Recovery[] = [];
  /** Recoveries that did not succeed, each in words. */
  readonly findings: string[] = [];

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  /**
   * With every capture process stopped: does `meanwhile`, then `paytronix-segment recover` until it succeeds, then starts
   * them again. One at a time. @throws when recover does not succeed.
   */
  async recover(meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
    const before = this.#busy;
    const done = before.catch(() => undefined).then(() => this.#recover(meanwhile));
    this.#busy = done;
    await done;
  }

  /** Resolves when no recovery is under way. */
  async idle(): Promise<void> {
    await this.#busy.catch(() => undefined);
  }

  async #recover(meanwhile: () => Promise<void>): Promise<void> {
    const { fleet, env, log } = this.#options;
    const fromMs = Date.now();
    const captures = await fleet.hold('capture');
    try {
      await meanwhile();
      const said: string[] = [];
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const { code, out, err } = await invoked(['recover', '--margin', `${MARGIN_SECONDS}s`], env);
        if (code === 0) {
          const committedAfterMs = await this.#committedAfter(fromMs);
          this.recoveries.push({ fromMs, untilMs: Date.now(), committedAfterMs });
          const since = Number.isFinite(committedAfterMs) ? new Date(committedAfterMs).toISOString() : 'ever';
          log(`recover, attempt ${attempt}, rows since ${since}: ${out.trim().split('\n').at(-1) ?? ''}`);
          return;
        }
        said.push(err.trim().split('\n')[0] ?? '');
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
      throw new Error(`recover did not succeed: ${[...new Set(said)].join(' | ')}`);
    } finally {
      captures.resume();
    }
  }

  /** The earliest moment that the gaps closed since then were about, less the margin. */
  async #committedAfter(sinceMs: number): Promise<number> {
    const { rows } = await asked<{ from_ms: number | null; unknown: boolean }>(
      this.#options.pool,
      `SELECT (extract(epoch FROM min(from_time)) * 1000)::float8 AS from_ms, count(*) > count(from_time) AS unknown
       FROM segment_connector.gap WHERE closed_at >= to_timestamp($1::float8 / 1000)`,
      [sinceMs],
    );
    const [row] = rows;
    if (row === undefined || row.unknown) return -Infinity;
    return row.from_ms === null ? Infinity : row.from_ms - MARGIN_SECONDS * 1_000;
  }
}
