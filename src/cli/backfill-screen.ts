import type { BackfillStatus } from '../backfill/backfill.js';
import type { Filled, FillObserver } from '../backfill/fill.js';
import type { MovedRows } from '../backfill/moved-rows.js';
import type { BackfillSpan } from '../backfill/request.js';
import type { BackfillRun, CallCounts } from '../backfill/run-store.js';
import { EVENT_NAMES, type CallName } from '../events/event.js';
import type { Clock } from '../lifecycle/clock.js';
import { timeText } from '../replay/position.js';
import { durationText, grouped, ProgressDisplay, Rate } from '../replay/progress.js';
import type { Output } from './context.js';
import type { Style } from './style.js';

/** What a person sees of a backfill: how far it is, by the rows' own times, and in the end what was sent. */
export class BackfillScreen {
  readonly #out: Output;
  readonly #style: Style;
  readonly #clock: Clock;
  readonly #display: ProgressDisplay;
  readonly #rate = new Rate();
  readonly #startedAtMs: number;
  #span: BackfillSpan | null = null;
  /** Dealt with by earlier processes. */
  #rowsBefore = 0;
  #last: BackfillStatus | null = null;
  #obstacle: string | null = null;
  #scanned = 0;
  #shownAtMs = -Infinity;

  constructor(out: Output, style: Style, clock: Clock) {
    this.#out = out;
    this.#style = style;
    this.#clock = clock;
    this.#display = new ProgressDisplay(out, () => clock.now());
    this.#startedAtMs = clock.now();
  }

  readonly observer: FillObserver = {
    page: (status) => {
      this.#last = status;
      this.#rate.note(status.rowsRead, this.#clock.now());
      this.#reading(true);
    },
    scanned: (rows) => {
      this.#scanned += rows;
      this.#reading(false);
    },
    beginningAgain: () => {
      this.#line(
        this.#style.yellow('Redis lost what was queued: beginning again, with the same message ids.'),
      );
    },
    draining: (jobs) => {
      this.#display.show({
        phase: 'delivering',
        done: jobs,
        total: null,
        unit: jobs === 1 ? 'batch left' : 'batches left',
        ratePerSecond: null,
        ...this.#note(),
      });
    },
    waiting: (error) => {
      this.#obstacle = `waiting for PostgreSQL: ${error.code}`;
      this.#reading(true);
      this.#obstacle = null;
    },
  };

  obstacle(text: string | null): void {
    this.#obstacle = text;
  }

  plan(names: readonly string[], span: BackfillSpan, source: string): void {
    this.#span = span;
    this.#line(`Backfill ${names.join(', ')} to source ${source}`);
    this.#line(
      `  rows from ${span.sinceUs === null ? 'the beginning' : timeText(span.sinceUs)} to ${timeText(span.untilUs)}, by their own time`,
    );
  }

  /** Rows that are passed over, or, where that is asked for, taken all the same. */
  moved(rows: readonly MovedRows[], taken = false): void {
    for (const { events, column, tables } of rows) {
      const which = `${events.join(', ')}: where ${column} is a commit time, an update of ${tables.join(', ')} has moved it`;
      this.#line(
        this.#style.yellow(
          taken
            ? `  ${which}: such rows come with the time of their last update`
            : `  ${which}: such rows are passed over (backfill --updated-rows takes them, with that time)`,
        ),
      );
    }
  }

  resuming(run: BackfillRun): void {
    this.#span = run.span;
    this.#rowsBefore = run.rowsRead;
    this.#line(
      `  resuming run ${run.id}: ${grouped(run.rowsRead)} rows are dealt with; --restart begins anew`,
    );
  }

  say(text: string): void {
    this.#line(text);
  }

  waitingForLive(jobs: number): void {
    this.#display.show({
      phase: 'delivering what was queued before',
      done: jobs,
      total: null,
      unit: 'batches left',
      ratePerSecond: null,
      ...this.#note(),
    });
  }

  counted(status: BackfillStatus): void {
    this.#counts(status.calls);
    this.#line(`${grouped(status.rowsRead)} rows. Nothing was sent: this was a dry run.`);
  }

  filled({ tag, status }: Filled): void {
    this.#counts(status.calls);
    const rows = `${grouped(totalOf(status.calls))} calls from ${grouped(status.rowsRead)} rows`;
    switch (tag) {
      case 'delivered':
        this.#line(this.#style.green(`Delivered ${rows} in ${this.#took()}.`));
        return;
      case 'queued':
        this.#line(
          `Queued ${rows}; what is not delivered yet leaves with the connector, or with the same command.`,
        );
        return;
      case 'interrupted':
        this.#line(
          `Interrupted after ${rows}${status.reachedUs === null ? '' : `, up to ${timeText(status.reachedUs)}`}. The same command goes on from here.`,
        );
        return;
      default: {
        const never: never = tag;
        throw new RangeError(`no such end: ${String(never)}`);
      }
    }
  }

  #reading(isDue: boolean): void {
    const nowMs = this.#clock.now();
    if (!isDue && nowMs - this.#shownAtMs < 200) return;
    this.#shownAtMs = nowMs;
    const rows = this.#last?.rowsRead ?? 0;
    this.#display.show({
      phase: this.#last === null ? 'looking' : 'reading',
      done: this.#last === null ? this.#scanned : rows,
      total: this.#last === null ? null : this.#expectedRows(rows),
      unit: this.#last === null ? 'rows without an index on their time' : 'rows (estimated)',
      ratePerSecond: this.#rate.perSecond,
      ...this.#note(),
    });
  }

  /** By how much of the time from the first row on is behind: nobody counts the rows beforehand. */
  #expectedRows(rows: number): number | null {
    const { reachedUs = null, firstUs = null } = this.#last ?? {};
    if (this.#span === null || reachedUs === null || firstUs === null) return null;
    const share = (reachedUs - firstUs) / (this.#span.untilUs - firstUs);
    if (share <= 0.005) return null;
    return this.#rowsBefore + Math.round((rows - this.#rowsBefore) / Math.min(1, share));
  }

  #counts(calls: CallCounts): void {
    const names = (['identify', ...EVENT_NAMES, 'custom'] as const satisfies readonly CallName[]).filter(
      (name) => calls[name] !== undefined,
    );
    const width = Math.max(0, ...names.map((name) => grouped(calls[name] ?? 0).length));
    for (const name of names)
      this.#line(
        `  ${grouped(calls[name] ?? 0).padStart(width)}  ${name === 'custom' ? 'custom events' : name}`,
      );
  }

  #note(): { readonly note?: string } {
    return this.#obstacle === null ? {} : { note: this.#obstacle };
  }

  #took(): string {
    return durationText(this.#clock.now() - this.#startedAtMs);
  }

  #line(text: string): void {
    this.#display.end();
    this.#out.write(`${text}\n`);
  }
}

function totalOf(calls: CallCounts): number {
  return Object.values(calls).reduce((sum, count) => sum + count, 0);
}
