import { randomBytes } from 'node:crypto';
import { ConnectorError } from '../errors/connector-error.js';
import { failpoint } from '../lifecycle/failpoint.js';
import { countRange, planRange, selectionOf } from './plan.js';
import { holdReplayLock } from './lock.js';
import type { PassContext } from './pass.js';
import type { Progress } from './progress.js';
import {
  finishRun,
  insertRun,
  unfinishedRuns,
  type Counts,
  type ReplayArguments,
  type ReplayRun,
} from './run-store.js';
import { sendRun, type SendOptions, type Sent } from './send.js';
import type { ReplayRange, ReplayWindow } from './window.js';

export interface ReplayRequest {
  /** Null only with `resume`. */
  readonly arguments: ReplayArguments | null;
  readonly dryRun: boolean;
  /** The sending under new ids is meant. */
  readonly confirmed: boolean;
  /** Go on with the latest unfinished run. */
  readonly resume: boolean;
  /** Begin anew even where the same run was left unfinished. */
  readonly restart: boolean;
}

/** What a replay tells whoever watches, in this order. */
export interface ReplayReporter {
  window(window: ReplayWindow): void;
  counting(commits: number): void;
  /** What is about to be sent, or would be. */
  plan(plan: {
    readonly range: ReplayRange;
    readonly counts: Counts;
    readonly idSuffix: string | null;
  }): void;
  resuming(run: ReplayRun): void;
  sending(progress: Progress): void;
}

export interface ReplayOptions {
  /** Its slot is the replay slot. */
  readonly context: PassContext;
  /** The slot of the live stream. */
  readonly mainSlotName: string;
  readonly source: string;
  readonly request: ReplayRequest;
  readonly reporter: ReplayReporter;
  /** Null: this is a dry run, nothing is sent. */
  readonly lane: Pick<SendOptions, 'openSink' | 'delivery' | 'obstacle' | 'onAnswer'> | null;
  readonly signal: AbortSignal;
  readonly graceMs: number;
}

export type ReplayOutcome =
  | { readonly tag: 'counted'; readonly counts: Counts }
  /** Nothing in the range is selected. */
  | { readonly tag: 'nothing' }
  | { readonly tag: 'interrupted'; readonly run: ReplayRun | null }
  | { readonly tag: 'sent'; readonly run: ReplayRun; readonly sent: Sent };

/**
 * Sends again what a stretch of the WAL implies, beside the live stream: the same changes derived anew under the same
 * message ids, with balances as they were at each commit and what is known of guests and stores today.
 * @throws ConnectorError REPLAY_WINDOW, REPLAY_RUNNING, REPLAY_REFUSED, DATABASE_…, and those of the stream
 */
export async function replay(options: ReplayOptions): Promise<ReplayOutcome> {
  const { context, request, mainSlotName, signal, lane } = options;
  if (lane === null || request.dryRun) {
    const { counts } = await countAsked(options, argumentsOf(request), null);
    return signal.aborted ? { tag: 'interrupted', run: null } : { tag: 'counted', counts };
  }
  await using _lock = await holdReplayLock(context.database, mainSlotName);
  const run = await findOrPlan(options);
  if (run === null) return signal.aborted ? { tag: 'interrupted', run: null } : { tag: 'nothing' };
  const { reporter, graceMs } = options;
  const sent = await sendRun({
    ...lane,
    context,
    run,
    signal,
    graceMs,
    onProgress: (progress) => reporter.sending(progress),
  });
  return sent.tag === 'delivered' ? { tag: 'sent', run, sent } : { tag: 'interrupted', run };
}

/** The run to go on with, or a new one; null when there is nothing to send, or the counting was ended. */
async function findOrPlan(options: ReplayOptions): Promise<ReplayRun | null> {
  const { context, request, mainSlotName, source, reporter, signal } = options;
  const unfinished = (await unfinishedRuns(context.knex, mainSlotName)).filter(
    (run) => run.source === source,
  );
  const same = unfinished.find((run) => request.resume || sameArguments(run.arguments, request.arguments));
  if (request.resume && same === undefined) {
    throw new ConnectorError('REPLAY_REFUSED', 'there is no unfinished replay to resume');
  }
  if (same !== undefined && !request.restart) {
    reporter.resuming(same);
    return same;
  }
  const asked = argumentsOf(request);
  // Random, as run numbers come again when the database is restored from a backup.
  const idSuffix = asked.resend ? `-r${randomBytes(4).toString('hex')}` : null;
  const { range, counts } = await countAsked(options, asked, idSuffix);
  if (signal.aborted) return null;
  const calls = Object.entries(counts.calls).filter(([name]) => name !== 'rejected');
  if (calls.length === 0) return null;
  if (asked.resend && !request.confirmed) {
    throw new ConnectorError(
      'REPLAY_REFUSED',
      '--resend makes Segment and every destination take these events for new ones; add --yes if that is meant',
    );
  }
  if (same !== undefined) await finishRun(context.knex, same.id);
  const run = await insertRun(context.knex, {
    slotName: mainSlotName,
    source,
    arguments: asked,
    idSuffix,
    range,
    planned: counts,
  });
  failpoint('replay-recorded');
  return run;
}

async function countAsked(
  { context, mainSlotName, source, reporter, signal }: ReplayOptions,
  asked: ReplayArguments,
  idSuffix: string | null,
): Promise<{ range: ReplayRange; counts: Counts }> {
  const { range } = await planRange(context.knex, mainSlotName, { ...asked, source }, (window) =>
    reporter.window(window),
  );
  const selection = selectionOf(asked, range, idSuffix, context.mapping);
  const counts = await countRange(context, range, selection, signal, (commits) => reporter.counting(commits));
  if (!signal.aborted) reporter.plan({ range, counts, idSuffix });
  return { range, counts };
}

function argumentsOf({ arguments: asked }: ReplayRequest): ReplayArguments {
  if (asked !== null) return asked;
  throw new ConnectorError('REPLAY_REFUSED', '--from is missing: it says where the replay begins');
}

function sameArguments(a: ReplayArguments, b: ReplayArguments | null): boolean {
  const parts = (one: ReplayArguments): readonly unknown[] => [
    one.from,
    one.to,
    one.events,
    one.accounts,
    one.resend,
  ];
  return b !== null && JSON.stringify(parts(a)) === JSON.stringify(parts(b));
}
