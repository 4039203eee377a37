import { toError } from '../errors/connector-error.js';

export type Release = () => void | Promise<void>;

/**
 * Releases registered as things are acquired. `releaseAll` runs every one of them, last acquired first, each after the
 * one before it has finished, whatever fails; then it throws the first failure. It may be called any number of times
 * and shares the one run.
 */
export class ReleaseStack {
  readonly #releases: { name: string; release: Release }[] = [];
  readonly #onFailure: (name: string, error: Error) => void;
  #running: Promise<void> | null = null;

  /** @param options.onFailure hears every failure, also those after the first. Default: none listens. */
  constructor(options: { onFailure?: (name: string, error: Error) => void } = {}) {
    this.#onFailure = options.onFailure ?? (() => undefined);
  }

  /** @throws Error when the releases have begun: what is acquired now would never be released. */
  defer(name: string, release: Release): void {
    if (this.#running !== null) throw new Error(`${name} was acquired after the shutdown had begun`);
    this.#releases.push({ name, release });
  }

  /** Registers the release of what `acquire` resolves to, and resolves to it. */
  async acquire<T>(
    name: string,
    acquire: () => T | Promise<T>,
    release: (acquired: T) => void | Promise<void>,
  ): Promise<T> {
    const acquired = await acquire();
    // Acquired while the shutdown began: nobody else will release it.
    if (this.#running !== null) await release(acquired);
    this.defer(name, () => release(acquired));
    return acquired;
  }

  releaseAll(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    let first: Error | null = null;
    for (const { name, release } of this.#releases.toReversed()) {
      try {
        await release();
      } catch (thrown) {
        const error = toError(thrown);
        first ??= error;
        this.#onFailure(name, error);
      }
    }
    if (first !== null) throw first;
  }
}
