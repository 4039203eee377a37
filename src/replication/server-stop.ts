import type { Lsn } from '../postgres/lsn.js';

/** A server that is not shutting down asks once in half of `wal_sender_timeout`. */
const AT_ONCE_MS = 250;
/** Questions in a row, each at once after the answer to the last, that only a shutdown explains. */
const CERTAIN_AFTER = 20;
/** Once it is certain, answers wait this long: each brings the next question. */
const ANSWER_AFTER_MS = 50;
/** How long what is under way may still be confirmed. */
const GRACE_MS = 5_000;

export type Answer = 'now' | 'later' | 'give up';

/**
 * Tells a server that is shutting down by its questions. It has ended every other session, keeps those that stream until
 * they have confirmed all it sent, and asks them for that over and over. Where confirming takes look-ups, which it refuses
 * by now, or a Redis that is away, it would wait for ever.
 * Measured on PostgreSQL 18: twenty million questions in an hour, each right after the answer, and no end.
 */
export class ServerStop {
  static readonly answerAfterMs = ANSWER_AFTER_MS;
  #walEnd: Lsn | null = null;
  #sinceMs = 0;
  #lastMs = 0;
  #questions = 0;

  /** To be called for each question, once. */
  asked(walEnd: Lsn, nowMs: number): Answer {
    const goesOn = walEnd === this.#walEnd && nowMs >= this.#lastMs && nowMs - this.#lastMs < AT_ONCE_MS;
    this.#lastMs = nowMs;
    if (!goesOn) {
      this.#walEnd = walEnd;
      this.#sinceMs = nowMs;
      this.#questions = 0;
    }
    this.#questions += 1;
    if (this.#questions < CERTAIN_AFTER) return 'now';
    return nowMs - this.#sinceMs >= GRACE_MS ? 'give up' : 'later';
  }
}
