import { toError } from '../errors/connector-error.js';
import type { RejectedEvent } from '../events/event.js';
import type { Clock } from '../lifecycle/clock.js';
import type { CallOrigin } from './batch.js';
import type { DeadLetters } from './dead-letters.js';
import type { QueueObserver } from './observer.js';

export interface LetterWriterOptions {
  readonly clock: Clock;
  readonly observer: QueueObserver;
  /** Repeats until Redis answers. */
  readonly patiently: (act: () => Promise<void>) => Promise<void>;
  /** Bytes of JSON that are no longer buffered. */
  readonly onWritten: (jsonBytes: number) => void;
  readonly onFatal: (error: Error) => void;
}

interface Rejected {
  readonly event: RejectedEvent;
  readonly origin: CallOrigin;
  readonly source: string;
  readonly letters: DeadLetters;
}

/** Sets rejected calls aside durably, one after another, and only then counts them as settled. */
export class LetterWriter {
  readonly #options: LetterWriterOptions;
  readonly #waiting: Rejected[] = [];
  #running: Promise<void> | null = null;

  constructor(options: LetterWriterOptions) {
    this.#options = options;
  }

  /** Returns the bytes it buffers. */
  push(rejected: Rejected): number {
    rejected.origin.settlement.expect();
    this.#waiting.push(rejected);
    return Buffer.byteLength(rejected.event.json);
  }

  kick(): void {
    if (this.#waiting.length === 0 || this.#running !== null) return;
    this.#running = this.#run()
      .catch((error: unknown) => this.#options.onFatal(toError(error)))
      .finally(() => {
        this.#running = null;
        this.kick();
      });
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, observer, patiently, onWritten } = this.#options;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { event, origin, source, letters } = next;
      const { reason, detail, name, messageId, accountKey, guestId, json } = event;
      const letter = { reason, detail, name, messageId, accountKey, guestId, json };
      await patiently(async () =>
        letters.add({
          ...letter,
          response: null,
          source,
          position: origin.positionText,
          commitTimeMs: origin.commitTimeMs,
          atMs: clock.now(),
        }),
      );
      observer.deadLettered?.(source, name, reason);
      onWritten(Buffer.byteLength(json));
      origin.settlement.done(1);
    }
  }
}
