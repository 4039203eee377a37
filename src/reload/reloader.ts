import type { Config } from '../config/config.js';
import { ConnectorError, toError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import { EitherSignal } from '../lifecycle/either-signal.js';
import type { Logger } from '../observability/logger.js';
import { differences } from './differences.js';
import { sameWhereKnown, type ConfigReader, type Fingerprint } from './read-config.js';

export interface ReloaderOptions {
  readonly reader: ConfigReader;
  /** What runs. */
  readonly config: Config;
  /** What that was read from. */
  readonly fingerprint: Fingerprint;
  /** Resolves when it runs like that. @throws what keeps it from that; what can be tried again is, later */
  readonly apply: (config: Config) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timing?: Partial<ReloadTiming>;
}

export interface ReloadTiming {
  /** How often the files are looked at. Default 2,000. */
  readonly intervalMs: number;
  /** A file that is another is looked at again so soon. Default 500. */
  readonly settleMs: number;
  /** After a change that could not be brought into force. Default 10,000. */
  readonly retryMs: number;
}

/**
 * Keeps what runs as the files say: looks at them from time to time, and when it is asked to. A change counts once two looks
 * in a row see the same, so that a file half written is not taken for one without its last sources. What cannot be used is
 * refused whole: its problems are told once, and what ran goes on.
 */
export class Reloader {
  readonly #options: ReloaderOptions;
  readonly #timing: ReloadTiming;
  #config: Config;
  /** What was dealt with last, for good or ill. */
  #known: Fingerprint;
  #asked = false;
  #wake = new AbortController();
  /** Something of a change is in force, and not all of it. */
  #unfinished = false;
  #notBeforeMs = 0;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#timing = { intervalMs: 2_000, settleMs: 500, retryMs: 10_000, ...options.timing };
    this.#config = options.config;
    this.#known = options.fingerprint;
  }

  /** Looks at once, and takes what it sees. */
  request(): void {
    this.#asked = true;
    this.#wake.abort();
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, reader } = this.#options;
    const { intervalMs, settleMs } = this.#timing;
    let seen = this.#known;
    while (!signal.aborted) {
      const restMs = this.#isKnown(seen) ? intervalMs : settleMs;
      if (!this.#asked) {
        using woken = new EitherSignal(signal, this.#wake.signal);
        await clock.sleep(restMs, woken.signal);
      }
      if (signal.aborted) return;
      if (this.#asked) {
        this.#asked = false;
        this.#wake = new AbortController();
        await this.#reload(null);
        seen = this.#known;
        continue;
      }
      const now = reader.look();
      const settled = same(now, seen) && clock.now() >= this.#notBeforeMs;
      if ((this.#unfinished || !this.#isKnown(now)) && settled) await this.#reload(now);
      seen = now;
    }
  }

  #isKnown(fingerprint: Fingerprint): boolean {
    return same(fingerprint, this.#known);
  }

  /** @param expected what was seen twice: another reading is of a file in between. Null: whatever is read is meant. */
  async #reload(expected: Fingerprint | null): Promise<void> {
    const { reader, logger } = this.#options;
    const read = reader.read();
    if (expected !== null && !sameWhereKnown(read.fingerprint, expected)) return;
    if (read.tag === 'read') return this.#take(read.config, read.fingerprint);
    this.#known = read.fingerprint;
    const { error } = read;
    const facts = error instanceof ConnectorError ? { code: error.code, ...error.facts } : {};
    const problems = `the changed configuration is refused, and the one before stays in force: ${error.message}`;
    logger.error(facts, problems);
  }

  async #take(read: Config, fingerprint: Fingerprint): Promise<void> {
    const { logger, clock } = this.#options;
    const { config, needRestart, isSame, ...sources } = differences(this.#config, read);
    if (needRestart.length > 0) {
      logger.warn({ settings: needRestart }, 'these settings are others now, and take effect with a restart');
    }
    if (isSame && !this.#unfinished) {
      this.#known = fingerprint;
      logger.info('the configuration was read again: the sources are the same');
      return;
    }
    const beganMs = clock.now();
    this.#unfinished = true;
    try {
      await this.#options.apply(config);
    } catch (thrown) {
      const error = toError(thrown);
      logger.error(
        { ...sources, err: error },
        'the changed configuration could not be brought into force; trying again',
      );
      this.#notBeforeMs = clock.now() + this.#timing.retryMs;
      return;
    }
    this.#unfinished = false;
    this.#known = fingerprint;
    this.#config = config;
    const tookMs = clock.now() - beganMs;
    logger.info({ ...sources, tookMs }, 'the changed configuration is in force');
  }
}

function same(a: Fingerprint, b: Fingerprint): boolean {
  return a.size === b.size && sameWhereKnown(a, b);
}
