import { toError } from '../../src/errors/connector-error.js';
import type { RedisClient } from '../../src/queue/redis.js';
import { asked } from './asked.js';
import type { QueueLoss } from './fault.js';
import { toleratedCode } from './faults/tolerated.js';
import type { Site } from './site.js';

const POLL_MS = 250;
const LANE = 'paytronix:lane:default:0';
/** What only ever grows in a lane that loses nothing. */
const GROWING = ['queuedSeq', 'pendingSeq', 'deliveredSeq', 'doneSeq'] as const;

export type LaneCounts = readonly number[];

/** How far the lane is by Redis' own account. */
export async function laneCounts(client: RedisClient): Promise<LaneCounts> {
  return (await client.hmget(LANE, ...GROWING)).map((text) => Number(text ?? 0));
}

/** Whether a Redis that came back has forgotten some of what it held. */
export function hasForgotten(before: LaneCounts, after: LaneCounts): boolean {
  // A pending job that was queued and delivered since is no loss: what is pending may go, never what is known beyond it.
  const [queuedBefore = 0, pendingBefore = 0, ...doneBefore] = before;
  const [queuedAfter = 0, pendingAfter = 0, ...doneAfter] = after;
  return (
    Math.max(queuedAfter, pendingAfter) < Math.max(queuedBefore, pendingBefore) ||
    doneBefore.some((count, index) => (doneAfter[index] ?? 0) < count)
  );
}

interface Delivered {
  readonly up_to_ms: number | null;
  readonly position: string;
}

/** Each time Redis lost its data: what was known on disk then, and when it had been made good. */
export class QueueLosses {
  readonly #site: Pick<Site, 'pool' | 'slotName'>;
  readonly #over = new AbortController();
  readonly #watches: Promise<void>[] = [];
  /** What kept a look at the checkpoint from succeeding, other than a server that was struck. */
  readonly findings: string[] = [];

  constructor(site: Pick<Site, 'pool' | 'slotName'>) {
    this.#site = site;
  }

  /** Call it just before Redis is struck: afterwards the row may have moved. */
  async before(): Promise<Delivered> {
    const { pool, slotName } = this.#site;
    // An age on the server's clock and the run's own are the same here: one machine.
    const { rows } = await asked<Delivered>(
      pool,
      `SELECT (delivered->>'commitTimeUs')::float8 / 1000 AS up_to_ms, pg_current_wal_lsn()::text AS position
       FROM segment_connector.checkpoint WHERE slot_name = $1`,
      [slotName],
    );
    const [row] = rows;
    if (row === undefined) throw new RangeError('the connector has no checkpoint');
    return row;
  }

  /** Follows a loss until everything committed before it is known to be delivered. */
  watch({ up_to_ms: deliveredUpToMs, position }: Delivered): QueueLoss {
    const loss = { deliveredUpToMs, mendedAtMs: null as number | null };
    this.#watches.push(
      this.#untilDelivered(position).then((atMs) => {
        loss.mendedAtMs = atMs;
      }),
    );
    return loss;
  }

  /** What is not mended by now will not be. */
  async end(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#watches);
  }

  async #untilDelivered(position: string): Promise<number | null> {
    const { pool, slotName } = this.#site;
    while (!this.#over.signal.aborted) {
      try {
        const { rowCount } = await pool.query(
          `SELECT FROM segment_connector.checkpoint
           WHERE slot_name = $1 AND (delivered->>'floor')::pg_lsn >= $2::pg_lsn`,
          [slotName, position],
        );
        if (rowCount === 1) return Date.now();
      } catch (thrown) {
        if (toleratedCode(thrown) === null) this.findings.push(`the checkpoint: ${toError(thrown).message}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return null;
  }
}
