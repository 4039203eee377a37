import { EVENT_NAMES } from '../events/event.js';
import type { Clock } from '../lifecycle/clock.js';
import { formatLsn } from '../postgres/lsn.js';
import { pointText, timeText } from '../replay/position.js';
import { durationText, grouped, ProgressDisplay, Rate } from '../replay/progress.js';
import type { ReplayOutcome, ReplayReporter } from '../replay/replay.js';
import type { Counts, ReplayRun } from '../replay/run-store.js';
import type { ReplayRange, ReplayWindow } from '../replay/window.js';
import type { Output } from './context.js';
import type { Style } from './style.js';

/** How long Segment is sure to drop a message id it has had. */
const REMEMBERED_US = 24 * 3_600_000_000;
/** A short count needs no progress. */
const COUNTING_SHOWN_AFTER_MS = 1_500;

/** What a person sees of a replay. */
export class ReplayScreen implements ReplayReporter {
  readonly #out: Output;
  readonly #style: Style;
  readonly #clock: Clock;
  readonly #display: ProgressDisplay;
  readonly #counted = new Rate();
  readonly #startedAtMs: number;
  #shownAtMs = 0;
  #window: ReplayWindow | null = null;

  constructor(out: Output, style: Style, clock: Clock) {
    this.#out = out;
    this.#style = style;
    this.#clock = clock;
    this.#display = new ProgressDisplay(out, () => clock.now());
    this.#startedAtMs = clock.now();
  }

  window: ReplayReporter['window'] = (window) => {
    const { from, fromTimeUs, to, toTimeUs } = window;
    this.#window = window;
    this.#line(`Window   ${pointText(from, fromTimeUs)} to ${pointText(to, toTimeUs)}`);
  };

  counting(commits: number): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#startedAtMs < COUNTING_SHOWN_AFTER_MS || nowMs - this.#shownAtMs < 100) return;
    this.#shownAtMs = nowMs;
    this.#counted.note(commits, nowMs);
    this.#display.show({
      phase: 'counting',
      unit: 'commits',
      done: commits,
      total: null,
      ratePerSecond: this.#counted.perSecond,
    });
  }

  plan: ReplayReporter['plan'] = ({ range, counts, idSuffix }) => {
    this.#display.end();
    const from = range.fromTimeUs === null ? formatLsn(range.from) : timeText(range.fromTimeUs);
    const to = range.toTimeUs === null ? formatLsn(range.to) : timeText(range.toTimeUs);
    this.#line(`Replay   ${from} to ${to}: ${grouped(counts.commits)} commits`);
    for (const line of countLines(counts)) this.#line(`  ${line}`);
    this.#line(this.#aboutIds(range, idSuffix));
  };

  resuming(run: ReplayRun): void {
    this.#line(
      `Resuming replay ${run.id} (${described(run)}) at ${formatLsn(run.position)}; --restart begins anew.`,
    );
  }

  sending: ReplayReporter['sending'] = (progress) => this.#display.show(progress);

  outcome(outcome: ReplayOutcome): void {
    this.#display.end();
    const took = this.#clock.now() - this.#startedAtMs;
    switch (outcome.tag) {
      case 'counted':
        this.#line('Nothing was sent: this was a dry run.');
        return;
      case 'nothing':
        this.#line('Nothing there to send.');
        return;
      case 'interrupted':
        this.#line(
          outcome.run === null
            ? 'Interrupted; nothing was sent.'
            : 'Interrupted. To go on: paytronix-segment replay --resume',
        );
        return;
      case 'sent': {
        const { calls, rejected } = outcome.sent;
        const aside = rejected === 0 ? '' : `; ${grouped(rejected)} set aside as dead letters`;
        this.#line(this.#style.green(`Replayed ${grouped(calls)} events in ${durationText(took)}${aside}.`));
        return;
      }
      default: {
        const never: never = outcome;
        throw new RangeError(`no such outcome: ${JSON.stringify(never)}`);
      }
    }
  }

  #aboutIds(range: ReplayRange, idSuffix: string | null): string {
    const { yellow, dim } = this.#style;
    if (idSuffix !== null) {
      return yellow(`New message ids, ending in ${idSuffix}: Segment takes every event for a new one.`);
    }
    const oldestUs = range.fromTimeUs ?? this.#window?.fromTimeUs ?? null;
    if (this.#window !== null && (oldestUs === null || this.#window.nowUs - oldestUs > REMEMBERED_US)) {
      return yellow(
        'The message ids are those of the first time. Segment remembers them for 24 hours: what was sent before may count twice.',
      );
    }
    return dim('The message ids are those of the first time: Segment drops what it has already.');
  }

  #line(text: string): void {
    this.#display.end();
    this.#out.write(`${text}\n`);
  }
}

const ORDER: readonly string[] = ['identify', ...EVENT_NAMES, 'rejected'];

function countLines({ calls }: Counts): string[] {
  const custom = Object.keys(calls).filter((name) => !ORDER.includes(name));
  const names = [...ORDER.slice(0, -1), ...custom, 'rejected'].filter((name) => calls[name] !== undefined);
  const width = Math.max(0, ...names.map((name) => grouped(calls[name] ?? 0).length));
  return names.map((name) => {
    const label = name === 'rejected' ? 'cannot be sent (they go to the dead letters)' : name;
    return `${grouped(calls[name] ?? 0).padStart(width)}  ${label}`;
  });
}

function described({ arguments: asked }: ReplayRun): string {
  const options = [
    `--from ${asked.from}`,
    asked.to === null ? '' : `--to ${asked.to}`,
    ...asked.events.map((name) => `--event ${JSON.stringify(name)}`),
    ...asked.accounts.map((id) => `--account ${id}`),
    asked.resend ? '--resend' : '',
  ];
  return options.filter((option) => option !== '').join(' ');
}
