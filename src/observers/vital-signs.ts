import type { CaptureObserver, CapturePositions } from '../capture/observer.js';
import type { DeliveryObserver } from '../delivery/observer.js';
import type { Clock } from '../lifecycle/clock.js';
import type { Vitals } from '../observability/readiness.js';
import { laneName } from '../queue/keys.js';
import type { QueueObserver, QueueWait } from '../queue/observer.js';
import { laneLabel } from '../queue/side-lanes.js';
import { outcomeText } from './outcome-text.js';

const WAIT_WORDS: Readonly<Record<QueueWait, string>> = {
  redis_unavailable: 'redis does not answer or refuses',
  redis_memory: 'redis is at its memory limit',
  queue_budget: 'the budget of the queue is used up, delivery is behind',
};

/** Remembers since when things are as they are, for readiness. */
export class VitalSigns {
  readonly #clock: Clock;
  #captureState: string | null = null;
  readonly #waits = new Map<QueueWait, number>();
  readonly #still = new Map<string, Vitals['standingStill'][number]>();
  readonly #failing = new Map<string, Vitals['failing'][number]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get captureState(): string | null {
    return this.#captureState;
  }

  readonly capture: CaptureObserver = {
    state: ({ tag }) => {
      this.#captureState = tag;
      // A session that ended waits for nothing any more; the next one says anew what it waits for.
      if (tag !== 'streaming') this.#waits.clear();
    },
  };

  readonly queue: QueueObserver = {
    waiting: (why) => this.#waitsFor(why),
    resumed: (why) => void this.#waits.delete(why),
    memory: (_use, full) => {
      if (full) this.#waitsFor('redis_memory');
      else this.#waits.delete('redis_memory');
    },
  };

  readonly delivery: DeliveryObserver = {
    attempted: ({ source, lane, outcome, roundTripMs }) => {
      if (outcome.tag !== 'retry' && outcome.tag !== 'pause') return;
      const key = laneName(source, lane);
      // The attempt began to fail when it began.
      const sinceMs = this.#failing.get(key)?.sinceMs ?? this.#clock.now() - roundTripMs;
      this.#failing.set(key, { source, lane: laneLabel(lane), why: outcomeText(outcome), sinceMs });
    },
    delivered: ({ source, lane }) => void this.#failing.delete(laneName(source, lane)),
    stopped: (source, lane, code) => {
      const key = lane === null ? source : laneName(source, lane);
      const sinceMs = this.#still.get(key)?.sinceMs ?? this.#clock.now();
      this.#still.set(key, { source, lane: lane === null ? null : laneLabel(lane), code, sinceMs });
    },
    held: (source, held) => {
      if (held) this.#forget(source);
    },
    closed: (source) => this.#forget(source),
    resumed: (source, lane) => void this.#still.delete(lane === null ? source : laneName(source, lane)),
  };

  vitals(seen: {
    readonly failure: string | null;
    readonly delivery: Vitals['delivery'];
    /** Null where the role has no capture. */
    readonly capture: { readonly positions: CapturePositions | null } | null;
    readonly redisAnsweredAtMs: number;
  }): Vitals {
    const { failure, delivery, capture, redisAnsweredAtMs } = seen;
    return {
      failure,
      delivery,
      capture: capture === null ? null : (this.#captureState ?? 'starting'),
      serverUnansweredSinceMs: capture?.positions?.unansweredSinceMs ?? null,
      redisAnsweredAtMs,
      queueWaits: [...this.#waits].map(([why, sinceMs]) => ({ why: WAIT_WORDS[why], sinceMs })),
      openSinceMs: capture?.positions?.oldestOpen?.sinceMs ?? null,
      standingStill: [...this.#still.values()],
      failing: [...this.#failing.values()],
    };
  }

  #forget(source: string): void {
    for (const [key, each] of this.#still) if (each.source === source) this.#still.delete(key);
    for (const [key, each] of this.#failing) if (each.source === source) this.#failing.delete(key);
  }

  #waitsFor(why: QueueWait): void {
    if (!this.#waits.has(why)) this.#waits.set(why, this.#clock.now());
  }
}
