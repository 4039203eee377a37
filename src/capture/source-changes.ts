import { isDeepStrictEqual } from 'node:util';
import { queueSources } from '../config/config.js';
import { failpoint } from '../lifecycle/failpoint.js';
import { Turns } from '../lifecycle/turns.js';
import type { Mapping } from '../mapping/mapping.js';
import type { QueueSink } from '../queue/event-sink.js';
import type { LiveEdge } from './live-edge.js';
import { registerSources } from './registered-sources.js';
import type { CapturedSource, Derive, SessionOptions } from './session-options.js';
import type { SourcePlaces } from './source-places.js';
import type { Start } from './start.js';

export interface SourceChangesOptions {
  readonly session: SessionOptions;
  readonly start: Start;
  readonly sink: QueueSink;
  readonly places: SourcePlaces;
  readonly edge: LiveEdge;
  readonly sources: readonly CapturedSource[];
  readonly derive: Derive;
  readonly mapping: Mapping;
  readonly withDatabase: <T>(step: () => Promise<T>) => Promise<T>;
  readonly endedEarly: Promise<never>;
  /** What is being brought to these begins again. */
  readonly restart: (sources: readonly string[]) => void;
}

/**
 * Takes the sources as they are configured now, between two gulps of the live stream: a source that is new takes part from
 * the next commit on, one that is configured otherwise has every call once, derived in one way or the other. What derives is
 * opened anew, with a directory that knows nothing yet, as at the start of a session.
 */
export class SourceChanges {
  readonly #options: SourceChangesOptions;
  readonly #turns = new Turns();
  #sources: readonly CapturedSource[];
  #derive: Derive;

  constructor(options: SourceChangesOptions) {
    this.#options = options;
    this.#sources = options.sources;
    this.#derive = options.derive;
  }

  get sources(): readonly CapturedSource[] {
    return this.#sources;
  }

  /** Of the sources as they are taken. */
  get derive(): Derive {
    return this.#derive;
  }

  /** One after the other, should several ask. */
  async apply(): Promise<void> {
    await this.#turns.run(async () => this.#apply());
  }

  async #apply(): Promise<void> {
    const { session, sink, edge, restart, endedEarly } = this.#options;
    const wanted = session.sources();
    const before = new Map(this.#sources.map((source) => [source.settings.name, source]));
    const after = new Map(wanted.map((source) => [source.settings.name, source]));
    const removed = [...before.keys()].filter((name) => !after.has(name));
    // First what needs no turn: the live stream may be waiting for just this.
    for (const [name, { budgetBytes }] of after) if (before.has(name)) sink.setBudget(name, budgetBytes);
    for (const name of removed) await this.#release(name);
    const otherwise = [...after].filter(
      ([name, { settings }]) => !isDeepStrictEqual(settings, before.get(name)?.settings),
    );
    const names = otherwise.map(([name]) => name);
    restart([...removed, ...names]);
    if (removed.length + names.length === 0) this.#sources = wanted;
    else await Promise.race([endedEarly, edge.between(async () => this.#take(wanted, before, removed))]);
  }

  async #release(source: string): Promise<void> {
    const { session, sink } = this.#options;
    if (!sink.loads().has(source)) return;
    const calls = await sink.release(source);
    if (calls > 0)
      session.logger.warn({ source, calls }, 'a source that was removed had calls that could not be queued');
  }

  async #take(
    wanted: readonly CapturedSource[],
    before: ReadonlyMap<string, CapturedSource>,
    removed: readonly string[],
  ): Promise<void> {
    const { session, start, sink, places, edge, mapping, withDatabase } = this.#options;
    const states = await withDatabase(async () =>
      registerSources({
        ...session,
        names: wanted.map(({ settings }) => settings.name),
        // What is queued by now tells sources that are new from those there were before any was written down.
        checkpoint: { ...start.checkpoint, lanes: sink.laneSnapshot() },
        at: { lsn: edge.taken, atUs: edge.commitTimeUs ?? session.clock.now() * 1_000 },
      }),
    );
    failpoint('sources-registered');
    for (const source of queueSources(wanted)) {
      if (before.has(source.name)) continue;
      await sink.open(source);
    }
    places.update(states);
    for (const { settings } of wanted) {
      const { name } = settings;
      if (!before.has(name)) sink.beginAt(name, { after: places.after(name), parked: false });
    }
    this.#derive = await session.derive({
      sources: wanted.map(({ settings }) => settings),
      into: sink,
      aside: false,
      sink,
      mapping,
      withDatabase,
    });
    this.#sources = wanted;
    for (const name of removed) await sink.forget(name);
  }
}
