import { earlierLsn, laterLsn, type Lsn } from '../postgres/lsn.js';
import type { SourceState } from '../postgres/source-store.js';
import type { QueueSink } from '../queue/queue-sink.js';
import { leastOf, type Reached, type SourceProgress } from '../replay/delivered-floors.js';
import { deliveredOf, type DeliveredState } from '../replay/delivered-state.js';
import type { ParkedSources } from './parked-sources.js';

export interface SourcePlacesOptions {
  readonly states: readonly SourceState[];
  readonly parked: ParkedSources;
  /** What the checkpoint knows. */
  readonly delivered: DeliveredState;
  /** Positions beyond it are of a history that ended; null: all of them hold. */
  readonly trustUpTo: Lsn | null;
}

/** Where each source takes part, as of the start of a session and while it streams. */
export class SourcePlaces {
  readonly #options: SourcePlacesOptions;
  /** What ends at or before it is none of the source's affair. */
  readonly #after = new Map<string, Lsn>();

  constructor(options: SourcePlacesOptions) {
    this.#options = options;
    this.update(options.states);
  }

  /** Of the sources that are configured now: those that are new, and without those that are no more. */
  update(states: readonly SourceState[]): void {
    const { parked: away, delivered, trustUpTo } = this.#options;
    const trusted = (lsn: Lsn): Lsn => (trustUpTo === null ? lsn : earlierLsn(lsn, trustUpTo));
    const names = new Set(states.map(({ source }) => source));
    for (const gone of this.names.filter((name) => !names.has(name))) {
      this.#after.delete(gone);
      away.forget(gone);
    }
    for (const { source, added, parked } of states) {
      if (this.#after.has(source)) continue;
      this.#after.set(source, trusted(added?.lsn ?? delivered.floor));
      if (parked !== null) away.begin(source, { ...parked, upTo: trusted(parked.upTo) });
    }
  }

  /** What ends there or before is none of the source's affair. */
  after(source: string): Lsn {
    return this.#after.get(source) ?? this.#options.delivered.floor;
  }

  get names(): readonly string[] {
    return [...this.#after.keys()];
  }

  /** What was delivered of a source before this session. */
  delivered(source: string): Reached {
    const { delivered } = this.#options;
    return deliveredOf(delivered, source, this.after(source));
  }

  /** As of one moment, for whoever follows what is delivered. @param live what the live stream has queued */
  progress(live: Reached): readonly SourceProgress[] {
    const { parked } = this.#options;
    return this.names.map((name) => {
      const away = parked.of(name);
      const queued = away === null ? live : { floor: away.upTo, commitTimeUs: away.commitTimeUs };
      return { name, queued, parked: away !== null, known: this.delivered(name) };
    });
  }

  /** Before the first offer to a sink. */
  begin(sink: Pick<QueueSink, 'beginAt'>): void {
    for (const [source, after] of this.#after) {
      sink.beginAt(source, { after, parked: this.#options.parked.of(source) !== null });
    }
  }

  /**
   * Before everything that was not delivered is offered again, the queue being lost. A parked source has no more than was
   * delivered, and is brought the rest as what it missed before. Resolves with where the others begin; null: there are none.
   */
  async beginHealing(sink: Pick<QueueSink, 'beginAt'>): Promise<Reached | null> {
    const { parked } = this.#options;
    const others: Reached[] = [];
    for (const [source, after] of this.#after) {
      const delivered = this.delivered(source);
      const away = parked.of(source);
      if (away === null) others.push(delivered);
      else await parked.move(away, { upTo: delivered.floor, commitTimeUs: delivered.commitTimeUs });
      sink.beginAt(source, { after: laterLsn(after, delivered.floor), parked: away !== null });
    }
    return leastOf(others);
  }
}
