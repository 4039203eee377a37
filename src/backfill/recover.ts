import type { Knex } from 'knex';
import type { EventSettings } from '../config/source.js';
import { EVENT_NAMES } from '../events/event.js';
import type { Clock } from '../lifecycle/clock.js';
import type { Mapping } from '../mapping/mapping.js';
import { REFERENCE_MAPPING } from '../mapping/reference.js';
import { readCheckpoint } from '../postgres/checkpoint-store.js';
import type { DatabaseOptions } from '../postgres/connection.js';
import { closeGap, readGaps, type Gap } from '../postgres/gap-store.js';
import { setUp, type StepReport } from '../postgres/setup.js';
import { readSystem } from '../postgres/system.js';
import { compareStart } from '../replication/startup.js';
import { timeText } from '../replay/position.js';
import { ensureReplaySlot } from '../replay/replay-slot.js';
import { restoreSuppressions } from '../replay/suppressions-restored.js';
import type { ListedGuests } from '../suppression/listed-guests.js';
import { customTelling, type CustomTelling } from './custom-feeds.js';
import { fill, untilLiveDelivered, type BackfillLane, type Filled, type FillObserver } from './fill.js';
import type { MovedRows } from './moved-rows.js';
import { readMovedRows } from './page-reader.js';
import { takingPart } from './taking-part.js';
import { suppressRemovedGuests } from './removed-guests.js';
import type { BackfillRequest, BackfillSpan } from './request.js';
import { openRun, type BackfillRun } from './run-store.js';

export interface RecoverOptions {
  readonly knex: Knex;
  /** Default: the reference schema. */
  readonly mapping?: Mapping;
  readonly database: DatabaseOptions;
  readonly slotName: string;
  readonly publicationName: string;
  readonly sources: readonly RecoveredSource[];
  /** How much more is read on both sides of a gap. Default 15 minutes. */
  readonly marginUs?: number;
  readonly rowsPerSecond: number;
  readonly pageRows?: number;
  /** As the lanes' sinks have them. Default: nobody. */
  readonly listed?: ListedGuests;
  readonly clock: Clock;
  readonly reporter: RecoverReporter;
  readonly graceMs: number;
}

export interface RecoveredSource {
  readonly settings: EventSettings;
  /** Opened once per gap. */
  readonly openLane: () => BackfillLane & AsyncDisposable;
}

export interface RecoverReporter {
  /** What set-up did to slot and publication. */
  step(report: StepReport): void;
  /** Gaps that one filling closes, for one of the sources, and the events that are read for it. */
  gaps(
    gaps: readonly Gap[],
    span: BackfillSpan,
    filling: { readonly source: EventSettings; readonly events: readonly string[] },
  ): void;
  resuming(run: BackfillRun): void;
  /** Batches that were queued before the gap, and go first. */
  waitingForLive(jobs: number): void;
  filled(filled: Filled): void;
  closed(gaps: readonly Gap[]): void;
  /** Custom events that the tables cannot tell of: what a gap holds of them stays missing. */
  untold(events: CustomTelling['untold']): void;
  /** Rows of a filling that are passed over, told after its gaps. */
  moved(rows: readonly MovedRows[], span: BackfillSpan, source: EventSettings): void;
  readonly observer: FillObserver;
}

/** Wider than any transaction stays open and any clock is off: rows are placed by when their transaction began. */
const DEFAULT_MARGIN_US = 15 * 60_000_000;

/**
 * After a slot that was lost, dropped, made anew or advanced: makes slot and publication right, and fills every open gap
 * from the tables. Each step is on disk before the next, so that interrupted anywhere the same command goes on: the gap is
 * recorded together with the new baseline, the filling saves its position, and only a gap that is delivered is closed.
 * @returns false when the signal ended it
 * @throws ConnectorError SETUP_REFUSED, DATABASE_…, and those of the queue
 */
export async function recover(given: RecoverOptions, signal: AbortSignal): Promise<boolean> {
  const { knex, database, slotName, publicationName, reporter } = given;
  await setUp(knex, {
    database,
    slotName,
    publicationName,
    mapping: given.mapping ?? REFERENCE_MAPPING,
    acceptGap: true,
    compareStart,
    onStep: (report) => reporter.step(report),
  });
  // While nobody streams from the slot; a connector that runs already makes it by itself.
  await ensureReplaySlot(knex, database, slotName);
  const options = { ...given, sources: await takingPart(given) };
  const stretches = await openStretches(options);
  const custom = await customTelling(knex, options.mapping ?? REFERENCE_MAPPING);
  const untold = custom.untold.filter(({ name }) =>
    options.sources.some(({ settings }) => settings.customEvents?.has(name) !== false),
  );
  if (stretches.length > 0 && untold.length > 0) reporter.untold(untold);
  for (const stretch of stretches) {
    if (signal.aborted || !(await fillStretch(stretch, custom.told, options, signal))) return false;
  }
  return true;
}

/** Open gaps that overlap, and the span that fills them all. */
interface OpenStretch {
  readonly gaps: readonly [Gap, ...Gap[]];
  readonly span: BackfillSpan & { readonly sinceUs: number };
}

/**
 * By the time a gap was recorded, or shortly after, the stream went on: what began later is streamed, and would come out of
 * order from here.
 */
const STREAMED_AFTER_US = 60_000_000;

/** Oldest first: one event of the operator's may have left several. */
async function openStretches(options: RecoverOptions): Promise<readonly OpenStretch[]> {
  const { knex, database, slotName, sources, marginUs = DEFAULT_MARGIN_US } = options;
  const checkpoint = await readCheckpoint(knex, slotName);
  const { nowUs } = await readSystem(knex, database);
  // Never before the first source was turned on; each leaves out what was before its own time.
  const firstUs =
    sources.length === 0 ? 0 : Math.min(...sources.map(({ settings }) => settings.enabledFromUs));
  const enabledUs = Math.max(checkpoint?.enabledFromUs ?? 0, firstUs);
  const stretches: OpenStretch[] = [];
  const open = (await readGaps(knex, slotName))
    .filter((gap) => gap.closedAtUs === null && isOfAny(gap, sources))
    .map((gap) => ({
      gap,
      sinceUs: Math.max(gap.fromTimeUs === null ? enabledUs : gap.fromTimeUs - marginUs, enabledUs),
      untilUs: Math.max(gap.toTimeUs ?? 0, gap.detectedAtUs) + marginUs,
      streamedFromUs: Math.min(nowUs, gap.detectedAtUs + STREAMED_AFTER_US),
    }))
    .toSorted((a, b) => a.sinceUs - b.sinceUs || a.gap.detectedAtUs - b.gap.detectedAtUs);
  for (const { gap, ...span } of open) {
    const last = stretches.at(-1);
    if (last === undefined || span.sinceUs > last.span.untilUs) {
      stretches.push({ gaps: [gap], span });
      continue;
    }
    stretches[stretches.length - 1] = {
      gaps: [...last.gaps, gap],
      span: {
        sinceUs: last.span.sinceUs,
        untilUs: Math.max(last.span.untilUs, span.untilUs),
        streamedFromUs: Math.max(last.span.streamedFromUs ?? 0, span.streamedFromUs),
      },
    };
  }
  return stretches;
}

function isOfAny(gap: Gap, sources: readonly RecoveredSource[]): boolean {
  return gap.source === null || sources.some(({ settings }) => settings.name === gap.source);
}

/** For every source that misses something of it, one after the other. */
async function fillStretch(
  { gaps, span }: OpenStretch,
  custom: readonly string[],
  options: RecoverOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { knex, reporter, marginUs = DEFAULT_MARGIN_US } = options;
  const fillings: string[] = [];
  for (const source of options.sources.filter((each) => gaps.some((gap) => isOfAny(gap, [each])))) {
    const sinceUs = Math.max(span.sinceUs, source.settings.enabledFromUs - marginUs);
    if (sinceUs >= span.untilUs) continue;
    const runId = await fillFor(source, { gaps, span: { ...span, sinceUs }, custom }, options, signal);
    if (runId === null) return false;
    fillings.push(runId);
  }
  const how = fillings.length === 0 ? 'no source misses any of it' : `backfill run ${fillings.join(', ')}`;
  for (const { id } of gaps) await closeGap(knex, id, `recover, ${how}`);
  reporter.closed(gaps);
  return true;
}

/** The id of the run when all of it is delivered, else null. */
async function fillFor(
  { settings: source, openLane }: RecoveredSource,
  { gaps, span, custom }: OpenStretch & { readonly custom: readonly string[] },
  options: RecoverOptions,
  signal: AbortSignal,
): Promise<string | null> {
  const { knex, clock, reporter, rowsPerSecond, pageRows, listed, graceMs } = options;
  const { mapping = REFERENCE_MAPPING } = options;
  const request = requestFor(span, source, custom);
  reporter.gaps(gaps, span, { source, events: [...request.events, ...request.custom] });
  const moved = await readMovedRows(knex, mapping, request);
  if (moved.length > 0) reporter.moved(moved, span, source);
  const gapId = gaps[0].id;
  const run = await openRun({ knex, source: source.name, request, gapId, span, unconfirmed: null });
  if (run.isResumed) reporter.resuming(run);
  await using lane = openLane();
  const filled = await fill(
    {
      knex,
      mapping,
      clock,
      source,
      request,
      run,
      lane,
      rowsPerSecond,
      ...(pageRows === undefined ? {} : { pageRows }),
      ...(listed === undefined ? {} : { listed }),
      graceMs,
      observer: reporter.observer,
      prepare: async (sink) => {
        await restoreSuppressions(knex, sink);
        await suppressRemovedGuests(knex, mapping.relations, sink, signal);
        await untilLiveDelivered(lane, clock, signal, (jobs) => reporter.waitingForLive(jobs));
      },
    },
    signal,
  );
  reporter.filled(filled);
  return filled.tag === 'delivered' ? run.id : null;
}

function requestFor(span: BackfillSpan, source: EventSettings, custom: readonly string[]): BackfillRequest {
  return {
    events: EVENT_NAMES.filter((name) => source.events.has(name)),
    custom: custom.filter((name) => source.customEvents?.has(name) !== false),
    identify: false,
    since: span.sinceUs === null ? null : timeText(span.sinceUs),
    until: timeText(span.untilUs),
    merchantId: null,
  };
}
