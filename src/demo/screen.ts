import type { ReceivedCall } from './received-call.js';
import {
  coloured,
  eventLine,
  plain,
  statusLine,
  verdictLines,
  verdictTable,
  type Paint,
  type Status,
} from './screen-lines.js';
import type { Verdict } from './verify.js';

export interface ScreenOptions {
  readonly out: { write(text: string): unknown };
  /** A terminal gets a status line at its foot; a pipe plain lines. */
  readonly isTty: boolean;
  readonly colours: boolean;
  /** Default 80, also for 0: some terminals do not know their width. */
  readonly columns?: number;
  /** Events shown a second at most; the rest are counted. Default 100. */
  readonly linesPerSecond?: number;
}

const CLEAR_LINE = '\r\u001b[K';
const PIPE_STATUS_EVERY_MS = 5_000;
const SECOND_MS = 1_000;

/** What the demo shows while it runs and when it has ended. Holds no timers: the caller says when to refresh. */
export class Screen {
  readonly #options: ScreenOptions;
  readonly #columns: number;
  readonly #paint: Paint;
  readonly #recent: { atMs: number; lagMs: number | null }[] = [];
  #status = '';
  #received = 0;
  #notShown = 0;
  #secondStartMs = 0;
  #shownInSecond = 0;
  #pipeStatusAtMs = 0;

  constructor(options: ScreenOptions) {
    this.#options = options;
    this.#columns = Math.max(
      60,
      options.columns === undefined || options.columns === 0 ? 80 : options.columns,
    );
    this.#paint = options.colours ? coloured : plain;
  }

  note(text: string): void {
    this.#line(text);
  }

  heading(text: string): void {
    this.#line(this.#paint(text, 'bold'));
  }

  event(call: ReceivedCall): void {
    const nowMs = call.arrivedAtMs;
    this.#received += 1;
    this.#recent.push({ atMs: nowMs, lagMs: call.happenedAtMs === null ? null : nowMs - call.happenedAtMs });
    if (nowMs - this.#secondStartMs >= SECOND_MS) {
      this.#secondStartMs = nowMs;
      this.#shownInSecond = 0;
    }
    // More than an eye can follow, and writing it would slow what is being shown.
    if (this.#shownInSecond >= (this.#options.linesPerSecond ?? 100)) {
      this.#notShown += 1;
      return;
    }
    this.#shownInSecond += 1;
    this.#line(eventLine(call, this.#columns, this.#paint));
  }

  /** Redraws the status line; on a pipe one line every five seconds. */
  refresh(nowMs: number, state: Omit<Status, 'perSecond' | 'received' | 'lagMs'>): void {
    const firstKept = this.#recent.findIndex(({ atMs }) => atMs > nowMs - SECOND_MS);
    this.#recent.splice(0, firstKept < 0 ? this.#recent.length : firstKept);
    const lags = this.#recent.flatMap(({ lagMs }) => lagMs ?? []).toSorted((a, b) => a - b);
    if (this.#notShown > 0) {
      this.#line(this.#paint(`… and ${this.#notShown} more calls than fit the screen`, 'dim'));
      this.#notShown = 0;
    }
    const line = statusLine(
      {
        ...state,
        perSecond: this.#recent.length,
        received: this.#received,
        lagMs: lags[Math.floor(lags.length / 2)] ?? null,
      },
      this.#columns - 1,
    );
    if (this.#options.isTty) {
      this.#status = this.#paint(line, 'bold');
      this.#options.out.write(CLEAR_LINE + this.#status);
    } else if (nowMs - this.#pipeStatusAtMs >= PIPE_STATUS_EVERY_MS) {
      this.#pipeStatusAtMs = nowMs;
      this.#line(line.trim());
    }
  }

  /** Takes the status line away: nothing moves any more. */
  settle(): void {
    if (this.#status !== '') this.#options.out.write(CLEAR_LINE);
    this.#status = '';
  }

  verdict(verdict: Verdict): void {
    this.settle();
    for (const line of [
      '',
      ...verdictTable(verdict, this.#paint),
      '',
      ...verdictLines(verdict, this.#paint),
    ]) {
      this.#line(line);
    }
  }

  #line(text: string): void {
    this.#options.out.write(this.#status === '' ? `${text}\n` : `${CLEAR_LINE}${text}\n${this.#status}`);
  }
}
