import { ConnectorError, toError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import { GuestSet } from './guest-set.js';
import type { ListOrigin, Look, OriginName } from './list-origin.js';
import type { ListedGuests } from './listed-guests.js';

/** What is told of the list. Every method is optional and must not throw. */
export interface ListObserver {
  /** Other guests are listed than before, or it was read for the first time. Counts of the origin and of all together. */
  changed?(origin: OriginName, guests: number, total: number): void;
  /**
   * It cannot be read: told once, and not again before `readable`. `known` guests of the origin go on being suppressed; null: it
   * was never read, and nothing is queued until it is.
   */
  unreadable?(origin: OriginName, error: Error, known: number | null): void;
  readable?(origin: OriginName): void;
}

export interface SuppressionListOptions {
  /** At least one. */
  readonly origins: readonly ListOrigin[];
  readonly clock: Clock;
  readonly observer?: ListObserver;
}

export interface ListProblem {
  readonly origin: OriginName;
  readonly error: Error;
  readonly known: number | null;
}

interface State {
  readonly origin: ListOrigin;
  /** Null: never read. */
  guests: GuestSet | null;
  /** Why it cannot be read; null: it can. */
  problem: Error | null;
}

/** Between two attempts at an origin that was never read. */
const FIRST_RETRY_MS = 1_000;

/**
 * Who is on the suppression list: nothing of them is queued or sent while they are on it. Kept from several origins, of each
 * as it was last read: one that can no longer be read takes nobody off.
 *
 * unknown ──first read──▶ known ──look: changed──▶ known ──look fails──▶ known, with a problem ──look──▶ known
 */
export class SuppressionList implements ListedGuests {
  readonly #options: SuppressionListOptions;
  readonly #states: readonly State[];
  #guests: GuestSet | null = null;

  constructor(options: SuppressionListOptions) {
    this.#options = options;
    this.#states = options.origins.map((origin) => ({ origin, guests: null, problem: null }));
  }

  get guests(): GuestSet | null {
    return this.#guests;
  }

  /** Origins that cannot be read now, with the guests known from before; null: never read. */
  get problems(): readonly ListProblem[] {
    return this.#states.flatMap(({ origin, problem, guests }) =>
      problem === null ? [] : [{ origin: origin.name, error: problem, known: guests?.size ?? null }],
    );
  }

  /**
   * Reads every origin. Without `patiently` resolves only when all were read.
   * @param options.patiently leave to `run` what passes by itself, such as a database that is away
   * @throws ConnectorError SUPPRESSION_UNREADABLE, DATABASE_…
   */
  async open(options: { readonly patiently: boolean }): Promise<void> {
    for (const state of this.#states) {
      await this.#look(state);
      const { problem } = state;
      if (problem !== null && !(options.patiently && passes(problem))) throw problem;
    }
  }

  /**
   * Looks at every origin in its turn until the signal aborts.
   * @throws ConnectorError an origin that was never read cannot be, for a reason that does not pass by itself
   */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#states.map(async (state) => this.#watch(state, signal)));
  }

  async #watch(state: State, signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#options.clock.sleep(state.guests === null ? FIRST_RETRY_MS : state.origin.everyMs, signal);
      if (signal.aborted) return;
      await this.#look(state);
      if (state.guests === null && state.problem !== null && !passes(state.problem)) throw state.problem;
    }
  }

  async #look(state: State): Promise<void> {
    const { observer } = this.#options;
    const { name } = state.origin;
    let look: Look;
    try {
      look = await state.origin.look();
    } catch (error) {
      const isNew = state.problem === null;
      state.problem = toError(error);
      // What does not pass and was never read is thrown instead.
      const goesOn = state.guests !== null || passes(state.problem);
      if (isNew && goesOn) observer?.unreadable?.(name, state.problem, state.guests?.size ?? null);
      return;
    }
    if (look.tag === 'unsettled') return;
    if (state.problem !== null) {
      state.problem = null;
      observer?.readable?.(name);
    }
    if (look.tag === 'read' && look.guests.version !== state.guests?.version) {
      this.#changed(state, look.guests);
    }
  }

  #changed(state: State, found: GuestSet): void {
    state.guests = found;
    const read = this.#states.flatMap(({ guests }) => guests ?? []);
    if (read.length < this.#states.length) return;
    this.#guests = GuestSet.union(read);
    this.#options.observer?.changed?.(state.origin.name, found.size, this.#guests.size);
  }
}

/** Whether waiting mends it. */
function passes(error: Error): boolean {
  return error instanceof ConnectorError && error.action === 'retry';
}
