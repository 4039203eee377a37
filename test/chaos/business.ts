import { toError } from '../../src/errors/connector-error.js';
import type { Simulator } from '../../src/demo/simulator/simulator.js';
import { toleratedCode } from './faults/tolerated.js';

export interface BusinessOptions {
  readonly simulator: Simulator;
  readonly log: (text: string) => void;
}

/** So long at a time: what an act put off is performed before the next stretch begins. */
const STRETCH_SECONDS = 20;

/** A brand that goes on with its business whatever happens to its database: a failed act is its own affair. */
export class Business {
  readonly #options: BusinessOptions;
  readonly #over = new AbortController();
  #running: Promise<void> | null = null;
  /** Failed acts by PostgreSQL's code, or the system's. */
  readonly failures = new Map<string, number>();
  /** Failures that no strike on the database explains, each in words. */
  readonly findings: string[] = [];

  constructor(options: BusinessOptions) {
    this.#options = options;
  }

  get commits(): number {
    return this.#options.simulator.commits;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is being written any more. */
  async end(): Promise<void> {
    this.#over.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      try {
        await this.#options.simulator.run(STRETCH_SECONDS, signal);
      } catch (thrown) {
        const error = toError(thrown) as NodeJS.ErrnoException;
        const code = toleratedCode(thrown) ?? error.code ?? error.name;
        if (toleratedCode(thrown) === null)
          this.findings.push(`business: an act failed: ${code} ${error.message}`);
        if (!this.failures.has(code)) this.#options.log(`business: an act failed: ${code} ${error.message}`);
        this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}
