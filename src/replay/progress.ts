/** Where a long run stands. */
export interface Progress {
  /** What is going on, for instance `counting` or `sending`. */
  readonly phase: string;
  readonly done: number;
  /** Null: not known (yet). */
  readonly total: number | null;
  /** What is counted, in the plural. */
  readonly unit: string;
  /** Of the last seconds; null until there is a figure. */
  readonly ratePerSecond: number | null;
  /** Something worth saying beside it, for instance why it stands still. */
  readonly note?: string;
}

export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const MAX_BAR = 30;
const MIN_BAR = 10;
const DEFAULT_COLUMNS = 80;

/** `sending ━━━━━━──── 61% · 3,050 of 5,000 events · 498/s · 4 s left`, no wider than the columns. */
export function progressLine(progress: Progress, columns: number = DEFAULT_COLUMNS): string {
  const { phase, done, total, unit, ratePerSecond, note } = progress;
  const leftMs = timeLeftMs(progress);
  const parts = [
    total === null ? `${grouped(done)} ${unit}` : `${grouped(done)} of ${grouped(total)} ${unit}`,
    ratePerSecond === null ? null : `${grouped(Math.round(ratePerSecond))}/s`,
    leftMs === null ? null : `${durationText(Math.max(1_000, leftMs))} left`,
    note ?? null,
  ].filter((part) => part !== null);
  const text = parts.join(' · ');
  if (total === null) return cut(`${phase} · ${text}`, columns);
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const percent = `${String(Math.floor(share * 100)).padStart(3)}%`;
  const room = columns - phase.length - percent.length - text.length - 5;
  const width = Math.min(MAX_BAR, Math.max(MIN_BAR, room));
  const full = Math.round(share * width);
  return cut(`${phase} ${'━'.repeat(full)}${'─'.repeat(width - full)} ${percent} · ${text}`, columns);
}

/** Null where it cannot be told. */
export function timeLeftMs({ done, total, ratePerSecond }: Progress): number | null {
  if (total === null || ratePerSecond === null || ratePerSecond <= 0 || done >= total) return null;
  return ((total - done) / ratePerSecond) * 1_000;
}

/** `800 ms`, `4 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `12,345`. */
export function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}

const RATE_SPAN_MS = 10_000;

/** How fast a count grew over the last ten seconds. */
export class Rate {
  readonly #points: { readonly atMs: number; readonly count: number }[] = [];

  note(count: number, nowMs: number): void {
    this.#points.push({ atMs: nowMs, count });
    // The oldest point kept lies just beyond the span, so that it is covered whole.
    while ((this.#points[1]?.atMs ?? Infinity) < nowMs - RATE_SPAN_MS) this.#points.shift();
  }

  /** Null before there are two points apart. */
  get perSecond(): number | null {
    const first = this.#points[0];
    const last = this.#points.at(-1);
    if (first === undefined || last === undefined || last.atMs - first.atMs < 200) return null;
    return ((last.count - first.count) / (last.atMs - first.atMs)) * 1_000;
  }
}

const PIPE_EVERY_MS = 5_000;

/** Shows progress: one line that is drawn again on a terminal, a line every few seconds on a pipe. */
export class ProgressDisplay {
  readonly #out: ProgressOutput;
  readonly #now: () => number;
  #drawn = false;
  #lastAtMs = -Infinity;
  #lastPhase = '';

  constructor(out: ProgressOutput, now: () => number) {
    this.#out = out;
    this.#now = now;
  }

  show(progress: Progress): void {
    if (this.#out.isTTY === true) {
      this.#out.write(`\r\u001b[2K${progressLine(progress, (this.#out.columns ?? DEFAULT_COLUMNS) - 1)}`);
      this.#drawn = true;
      return;
    }
    const due = progress.phase !== this.#lastPhase || this.#now() - this.#lastAtMs >= PIPE_EVERY_MS;
    if (!due) return;
    this.#lastAtMs = this.#now();
    this.#lastPhase = progress.phase;
    this.#out.write(`${progressLine(progress, 200)}\n`);
  }

  /** Whatever is written next begins on a line of its own. */
  end(): void {
    if (this.#drawn) this.#out.write('\r\u001b[2K');
    this.#drawn = false;
    this.#lastPhase = '';
  }
}
