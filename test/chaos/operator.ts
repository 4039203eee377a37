import { invoked } from '../backfill/invoked.js';
import type { Fleet } from './fleet.js';

export interface OperatorOptions {
  readonly fleet: Fleet;
  readonly env: Readonly<Record<string, string>>;
  readonly log: (text: string) => void;
}

const ATTEMPTS = 40;
const PAUSE_MS = 1_500;
/** Longer than any transaction of the run is open. */
const MARGIN = '40s';

/** Does what the connector's own words ask a person to do. */
export class Operator {
  readonly #options: OperatorOptions;
  #busy: Promise<void> = Promise.resolve();
  /** How often a gap was recovered. */
  recoveries = 0;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  /**
   * With every capture process stopped: does `meanwhile`, then `paytronix-segment recover` until it succeeds, then starts
   * them again. One at a time. @throws when recover does not succeed.
   */
  async recover(meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
    const before = this.#busy;
    const done = before.catch(() => undefined).then(() => this.#recover(meanwhile));
    this.#busy = done;
    await done;
  }

  /** Resolves when no recovery is under way. */
  async idle(): Promise<void> {
    await this.#busy.catch(() => undefined);
  }

  async #recover(meanwhile: () => Promise<void>): Promise<void> {
    const { fleet, env, log } = this.#options;
    const captures = await fleet.hold('capture');
    try {
      await meanwhile();
      const said: string[] = [];
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const { code, out, err } = await invoked(['recover', '--margin', MARGIN], env);
        if (code === 0) {
          this.recoveries += 1;
          log(`recover, attempt ${attempt}: ${out.trim().split('\n').at(-1) ?? ''}`);
          return;
        }
        said.push(err.trim().split('\n')[0] ?? '');
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
      throw new Error(`recover did not succeed: ${[...new Set(said)].join(' | ')}`);
    } finally {
      captures.resume();
    }
  }
}
