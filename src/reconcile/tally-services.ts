import { startTallyService, type TallyService, type TallyServiceOptions } from './tally-service.js';

/** The counts of all sources. Those of a source that is removed go on: what it has queued is still delivered. */
export class TallyServices {
  readonly #options: Omit<TallyServiceOptions, 'source'>;
  readonly #services = new Map<string, TallyService>();

  constructor(options: Omit<TallyServiceOptions, 'source'>) {
    this.#options = options;
  }

  /** Opens those that are missing; see `TallyService.begin` for what `begin` of theirs does. */
  open(sources: readonly string[]): { begin(): Promise<void> } {
    const opened = sources
      .filter((source) => !this.#services.has(source))
      .map((source) => {
        const service = startTallyService({ ...this.#options, source });
        this.#services.set(source, service);
        return service;
      });
    return { begin: async () => void (await Promise.all(opened.map(async (each) => each.begin()))) };
  }

  /** @throws as `TallyService.settle` */
  async settle(): Promise<void> {
    await this.#all((each) => each.settle());
  }

  async stop(): Promise<void> {
    await this.#all((each) => each.stop());
  }

  async #all(act: (each: TallyService) => Promise<void>): Promise<void> {
    await Promise.all([...this.#services.values()].map(act));
  }
}
