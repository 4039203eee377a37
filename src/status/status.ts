import type { Knex } from 'knex';
import { toError } from '../errors/connector-error.js';
import { toldMessage } from '../errors/told.js';
import type { Clock } from '../lifecycle/clock.js';
import type { QueueStatus, QueueStatusReader } from '../queue/status.js';
import { readDatabaseStatus, type DatabaseStatus } from './database-status.js';

/** What one server said, or why it said nothing. */
export type Answer<T> =
  { readonly tag: 'answered'; readonly value: T } | { readonly tag: 'away'; readonly reason: string };

export interface StatusFacts {
  readonly database: Answer<DatabaseStatus>;
  readonly queue: Answer<QueueStatus>;
  /** Compressed bytes that each source may have waiting. */
  readonly budgets: ReadonlyMap<string, number>;
  /** Sources that the configuration pauses, whatever `pause` and `resume` say. Default: none. */
  readonly pausedByFile?: ReadonlySet<string>;
  readonly nowMs: number;
}

export interface StatusOptions {
  readonly knex: Knex;
  readonly slotName: string;
  readonly queue: QueueStatusReader;
  /** See `StatusFacts`. */
  readonly budgets: ReadonlyMap<string, number>;
  readonly pausedByFile: ReadonlySet<string>;
  readonly clock: Clock;
  /** A server that takes longer is said not to answer. */
  readonly timeoutMs: number;
}

/** Asks both servers side by side. Never rejects. */
export async function readStatus(options: StatusOptions): Promise<StatusFacts> {
  const { knex, slotName, queue, budgets, pausedByFile, clock, timeoutMs } = options;
  const [database, queued] = await Promise.all([
    answer(readDatabaseStatus(knex, slotName), timeoutMs, clock),
    answer(queue.readWithin(timeoutMs), timeoutMs, clock),
  ]);
  return { database, queue: queued, budgets, pausedByFile, nowMs: clock.now() };
}

async function answer<T>(reading: Promise<T>, timeoutMs: number, clock: Clock): Promise<Answer<T>> {
  const over = new AbortController();
  const late = clock
    .sleep(timeoutMs, over.signal)
    .then((): Answer<T> => ({ tag: 'away', reason: `no answer within ${timeoutMs / 1_000} s` }));
  const said = reading.then(
    (value): Answer<T> => ({ tag: 'answered', value }),
    (error: unknown): Answer<T> => ({ tag: 'away', reason: toldMessage(toError(error)) }),
  );
  const first = await Promise.race([said, late]);
  over.abort();
  return first;
}
