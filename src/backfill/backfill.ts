import type { Knex } from 'knex';
import type { EventSettings } from '../config/source.js';
import { ConnectorError } from '../errors/connector-error.js';
import type { CallName, Derived, EventName } from '../events/event.js';
import { Backoff } from '../lifecycle/backoff.js';
import type { Clock } from '../lifecycle/clock.js';
import { failpoint } from '../lifecycle/failpoint.js';
import type { Mapping } from '../mapping/mapping.js';
import { REFERENCE_MAPPING } from '../mapping/reference.js';
import type { EventSink } from '../queue/sink.js';
import { isListed, type ListedGuests } from '../suppression/listed-guests.js';
import { deriveCommit } from './derive-commit.js';
import type { FeedName } from './feeds.js';
import { PageReader, type Page } from './page-reader.js';
import { Pace } from './pace.js';
import type { BackfillRequest, BackfillSpan } from './request.js';
import type { RunProgress } from './run-store.js';
import type { Position } from './stretch.js';

/** Where a backfill stands, after every page. */
export interface BackfillStatus extends RunProgress {
  /** Everything with an own time before this is in Redis; microseconds since 1970. Null: nothing yet. */
  readonly reachedUs: number | null;
  /** The earliest own time among the rows of this process; null before any. */
  readonly firstUs: number | null;
}

export interface BackfillOptions {
  readonly knex: Knex;
  /** Default: the reference schema. */
  readonly mapping?: Mapping;
  readonly clock: Clock;
  readonly source: EventSettings;
  readonly request: BackfillRequest;
  readonly span: BackfillSpan;
  /** Where an earlier process got to. Default: the beginning. */
  readonly from?: RunProgress;
  /** Null: the calls are counted and thrown away. */
  readonly sink: EventSink | null;
  /** Makes it durable that Redis holds everything up to here. */
  readonly save: (progress: RunProgress) => Promise<void>;
  /** Resolves when the lane has room for a page. Default: at once. */
  readonly untilRoom?: (signal: AbortSignal) => Promise<void>;
  /** Rows looked at, at most. Default 5,000. */
  readonly rowsPerSecond?: number;
  /** Rows of a feed in one page, at most. Default 1,000, or what a second allows. */
  readonly pageRows?: number;
  /** Only calls with these message ids. Default: all. */
  readonly only?: ReadonlySet<string>;
  /** Calls of these guests are not counted; the sink does not queue them. Default: nobody. */
  readonly listed?: ListedGuests;
  readonly observer?: BackfillObserver;
}

export interface BackfillObserver {
  page?(status: BackfillStatus): void;
  lookup?(table: string): void;
  scanned?(rows: number): void;
  unreadableNumber?(column: string): void;
  /** The database does not answer; it is asked again after so long. */
  waiting?(error: ConnectorError, delayMs: number): void;
}

const DEFAULT_ROWS_PER_SECOND = 5_000;
const MAX_PAGE_ROWS = 1_000;

/**
 * Reads the span from the tables, page by page, and offers what its rows imply. A page's position is saved when Redis holds
 * all of it, so whatever ends the process, the next one goes on with the page that was in hand: its calls carry the same
 * message ids.
 * @returns where it stands; `done` false when the signal ended it
 */
export async function backfill(
  options: BackfillOptions,
  signal: AbortSignal,
): Promise<{ readonly done: boolean; readonly status: BackfillStatus }> {
  const { knex, clock, source, request, span, observer, sink } = options;
  const { rowsPerSecond = DEFAULT_ROWS_PER_SECOND, mapping = REFERENCE_MAPPING } = options;
  const reader = await PageReader.open({
    knex,
    mapping,
    clock,
    request,
    span,
    merchantIds: request.merchantId === null ? ids(source) : [request.merchantId],
    emitVoids: source.emitVoids,
    // A page is what a second allows at most, so that a slow backfill is slow evenly.
    pageRows: options.pageRows ?? Math.min(MAX_PAGE_ROWS, rowsPerSecond),
    onLookup: (table) => observer?.lookup?.(table),
    onScanned: (rows) => observer?.scanned?.(rows),
  });
  const pace = new Pace(clock, rowsPerSecond);
  const tally = new Tally(options.from);
  let status: BackfillStatus = { ...tally.progress, reachedUs: null, firstUs: null };
  while (!signal.aborted) {
    await options.untilRoom?.(signal);
    if (signal.aborted) break;
    const page = await readPatiently(() => reader.read(tally.positions, signal), options, signal);
    if (page === null) break;
    await offer(page, options, (name) => tally.count(name));
    await sink?.flush();
    failpoint('page-queued');
    tally.page(page);
    await options.save(tally.progress);
    failpoint('page-recorded');
    status = { ...tally.progress, reachedUs: page.reachedUs, firstUs: status.firstUs ?? page.firstUs };
    observer?.page?.(status);
    if (page.done) return { done: true, status };
    await pace.after(page.lookedAt, signal);
  }
  return { done: false, status };
}

function ids({ merchantIds }: EventSettings): readonly string[] | null {
  return merchantIds === null ? null : [...merchantIds];
}

class Tally {
  #positions: ReadonlyMap<FeedName, Position>;
  #rowsRead: number;
  readonly #calls: Partial<Record<CallName, number>>;
  readonly #ofPage: Partial<Record<CallName, number>> = {};

  constructor(from: RunProgress | undefined) {
    this.#positions = from?.positions ?? new Map();
    this.#rowsRead = from?.rowsRead ?? 0;
    this.#calls = { ...from?.calls };
  }

  get positions(): ReadonlyMap<FeedName, Position> {
    return this.#positions;
  }

  get progress(): RunProgress {
    return { positions: this.#positions, rowsRead: this.#rowsRead, calls: { ...this.#calls } };
  }

  count(name: CallName): void {
    this.#ofPage[name] = (this.#ofPage[name] ?? 0) + 1;
  }

  page({ positions, rows }: Page): void {
    this.#positions = positions;
    this.#rowsRead += rows;
    for (const name of Object.keys(this.#ofPage) as CallName[]) {
      this.#calls[name] = (this.#calls[name] ?? 0) + (this.#ofPage[name] ?? 0);
      delete this.#ofPage[name];
    }
  }
}

async function offer(page: Page, options: BackfillOptions, count: (name: CallName) => void): Promise<void> {
  const { source, request, sink, clock, observer } = options;
  const events: ReadonlySet<EventName> = new Set(request.events);
  const values = { notRepresentable: (column: string) => observer?.unreadableNumber?.(column) };
  for (const restored of page.commits) {
    const facts = page.facts.factsOf(restored);
    const derived = deriveCommit(restored, facts, { source, events, observer: values });
    const calls = counted(wanted(derived, options.only), options.listed, count);
    if (sink === null) {
      for (const _call of calls);
      continue;
    }
    await sink.offer({
      source: source.name,
      endLsn: restored.commit.endLsn,
      commitTimeUs: restored.commit.commitTimeUs,
      receivedAtMs: clock.now(),
      calls,
      settled: () => undefined,
    });
  }
}

function* wanted(calls: Iterable<Derived>, only: ReadonlySet<string> | undefined): Generator<Derived> {
  for (const call of calls) if (only === undefined || only.has(call.messageId)) yield call;
}

function* counted(
  calls: Iterable<Derived>,
  listed: ListedGuests | undefined,
  count: (name: CallName) => void,
): Generator<Derived> {
  for (const call of calls) {
    if (!isListed(listed, call.guestId)) count(call.name);
    yield call;
  }
}

/** Reading holds nothing, so it is done again until the database answers. Null: the signal ended it. */
async function readPatiently(
  read: () => Promise<Page>,
  { clock, observer }: BackfillOptions,
  signal: AbortSignal,
): Promise<Page | null> {
  const backoff = new Backoff({ maxMs: 10_000 });
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (signal.aborted) return null;
      if (!(error instanceof ConnectorError) || error.action !== 'retry') throw error;
      const delayMs = backoff.nextMs();
      observer?.waiting?.(error, delayMs);
      await clock.sleep(delayMs, signal);
      if (signal.aborted) return null;
    }
  }
}
