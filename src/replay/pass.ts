import type { Knex } from 'knex';
import type { Transaction } from '../changes/transaction.js';
import type { CaptureSettings } from '../config/config.js';
import { ConnectorError } from '../errors/connector-error.js';
import { Backoff } from '../lifecycle/backoff.js';
import type { Clock } from '../lifecycle/clock.js';
import type { Mapping } from '../mapping/mapping.js';
import { REFERENCE_MAPPING } from '../mapping/reference.js';
import type { Logger } from '../observability/logger.js';
import { clientConfig, type DatabaseOptions } from '../postgres/connection.js';
import type { Lsn } from '../postgres/lsn.js';
import type { EventSink } from '../queue/sink.js';
import { readCopy } from './copy-stream.js';
import type { ReplayRange } from './window.js';

/** Derives transactions, offers what they imply, and says of each when all of it has settled. */
export type Derive = (
  transactions: readonly Transaction[],
  settled: (transaction: Transaction) => void,
) => Promise<void>;

export type OpenDerivation = (options: {
  readonly sink: EventSink;
  readonly suppress: (guestIds: readonly string[]) => Promise<void>;
  readonly withDatabase: <T>(step: () => Promise<T>) => Promise<T>;
}) => Promise<Derive>;

/** What every pass over the past needs, whatever it does with what it derives. */
export interface PassContext {
  readonly knex: Knex;
  readonly database: DatabaseOptions;
  readonly capture: CaptureSettings;
  /** The slot that is copied. */
  readonly slotName: string;
  /** Opens a derivation for one pass: rules, look-ups and a directory of its own. */
  readonly openDerivation: OpenDerivation;
  /** The one that `openDerivation` derives by. Default: the tables are the reference schema's. */
  readonly mapping?: Mapping;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface PassOptions {
  readonly range: ReplayRange;
  /** Begin here instead of at the range's start: where an earlier pass had come to. */
  readonly resumeAt?: Lsn;
  readonly sink: EventSink;
  /** Told of guests deleted or anonymised on the way. Default: nobody. */
  readonly suppress?: (guestIds: readonly string[]) => Promise<void>;
  /** Every commit of the stream, in order, before anything of it is offered; `inRange` by its time. */
  readonly onCommit: (transaction: Transaction, inRange: boolean) => void;
  readonly onSettled: (transaction: Transaction) => void;
  readonly signal: AbortSignal;
}

/**
 * Commit times and commit order differ by moments (the time is taken before the record is written), so a range by time
 * is read this much further before it is taken to be over.
 */
const TIME_SLACK_US = 60_000_000;
/** Failures in a row after which a pass gives up: it can be resumed, and a person is waiting for an answer. */
const MAX_FAILURES = 6;

/**
 * Derives everything in a range anew, in commit order, from a temporary copy of the slot, and offers it. The sink selects
 * by time; a commit before the range leaves no trace, while one after its first must still pass through the directory.
 * Resolves when all was offered (not yet settled) or the signal aborted.
 */
export async function runPass(context: PassContext, options: PassOptions): Promise<void> {
  const { capture, slotName, mapping = REFERENCE_MAPPING, logger, clock } = context;
  const { range, sink, signal, onCommit, onSettled } = options;
  const derive = await context.openDerivation({
    sink,
    suppress: options.suppress ?? (async () => undefined),
    withDatabase: (step) => withDatabase(context, signal, step),
  });
  let begun = false;
  const gulps = readCopy({
    from: options.resumeAt ?? range.from,
    to: range.to,
    signal,
    stream: {
      connection: clientConfig({ ...context.database, applicationName: 'paytronix-segment-replay' }),
      slotName,
      publicationName: capture.publicationName,
      spillDir: capture.spillDir,
      transactionMemoryBytes: capture.transactionMemoryBytes,
      tables: mapping.tables,
      logger,
      clock,
    },
  });
  for await (const gulp of gulps) {
    const derived: Transaction[] = [];
    for (const transaction of gulp) {
      const inRange = isWithin(transaction.commitTimeUs, range);
      onCommit(transaction, inRange);
      if (inRange) begun = true;
      if (begun) derived.push(transaction);
      else {
        transaction.release();
        onSettled(transaction);
      }
    }
    await derive(derived, onSettled);
    const last = gulp.at(-1);
    if (range.toTimeUs !== null && (last?.commitTimeUs ?? 0) > range.toTimeUs + TIME_SLACK_US) return;
  }
}

function isWithin(commitTimeUs: number, { fromTimeUs, toTimeUs }: ReplayRange): boolean {
  return (
    (fromTimeUs === null || commitTimeUs >= fromTimeUs) && (toTimeUs === null || commitTimeUs <= toTimeUs)
  );
}

/**
 * Runs `attempt` again, with backoff, while it ends by something that passes. An attempt says by `progressed` that it got
 * somewhere, and then as many failures are allowed anew.
 */
export async function persistently(
  { clock, logger }: Pick<PassContext, 'clock' | 'logger'>,
  signal: AbortSignal,
  attempt: (progressed: () => void) => Promise<void>,
): Promise<void> {
  const backoff = new Backoff({ initialMs: 200, maxMs: 5_000 });
  for (;;) {
    try {
      await attempt(() => backoff.reset());
      return;
    } catch (error) {
      const passes = error instanceof ConnectorError && error.action === 'retry';
      if (!passes || signal.aborted || backoff.failures >= MAX_FAILURES) throw error;
      logger.warn({ code: error.code }, 'interrupted; trying again');
      await clock.sleep(backoff.nextMs(), signal);
    }
  }
}

async function withDatabase<T>(
  context: PassContext,
  signal: AbortSignal,
  step: () => Promise<T>,
): Promise<T> {
  const backoff = new Backoff({ maxMs: 5_000 });
  for (;;) {
    try {
      return await step();
    } catch (error) {
      const passes = error instanceof ConnectorError && error.action === 'retry';
      if (!passes || signal.aborted || backoff.failures >= MAX_FAILURES) throw error;
      await context.clock.sleep(backoff.nextMs(), signal);
    }
  }
}
