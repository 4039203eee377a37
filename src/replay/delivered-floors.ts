import type { Lsn } from '../postgres/lsn.js';
import type { LaneName } from '../queue/keys.js';
import { DeliveredFloor, type LaneSeqs } from './delivered-floor.js';

/** A position, and the commit time of the last transaction up to there; microseconds since 1970, null: not known. */
export interface Reached {
  readonly floor: Lsn;
  readonly commitTimeUs: number | null;
}

/** A source as of one look. */
export interface SourceProgress {
  readonly name: string;
  /** Everything up to there that is its affair is in its lanes. */
  readonly queued: Reached;
  /** It does not take part in the live stream. */
  readonly parked: boolean;
  /** What was delivered before this process knew; needed at the first look. */
  readonly known: Reached;
}

/** How far each source is delivered: one that is not taken by Segment says nothing of the others. */
export class DeliveredFloors {
  readonly #floors = new Map<string, DeliveredFloor>();

  /** Take the progress and the lanes' last jobs at one moment, before asking what is delivered. */
  queued(sources: readonly SourceProgress[], seqs: LaneSeqs): void {
    const names = new Set(sources.map(({ name }) => name));
    for (const gone of this.#floors.keys()) if (!names.has(gone)) this.#floors.delete(gone);
    for (const { name, queued, known } of sources) {
      const floor = this.#floors.get(name) ?? new DeliveredFloor(known.floor, known.commitTimeUs);
      this.#floors.set(name, floor);
      floor.queued(queued.floor, queued.commitTimeUs, lanesOf(name, seqs));
    }
  }

  /** What the lanes have delivered by now. */
  delivered(seqs: LaneSeqs): void {
    for (const floor of this.#floors.values()) floor.delivered(seqs);
  }

  get sources(): Readonly<Record<string, Reached>> {
    return Object.fromEntries(
      [...this.#floors].map(([name, { floor, commitTimeUs }]) => [name, { floor, commitTimeUs }]),
    );
  }
}

function lanesOf(source: string, seqs: LaneSeqs): LaneSeqs {
  return Object.fromEntries(
    Object.entries(seqs).filter(([lane]) => lane.slice(0, lane.lastIndexOf('/')) === source),
  ) as Record<LaneName, number>;
}

/** The one that has come least far; null for none. */
export function leastOf(reached: readonly Reached[]): Reached | null {
  return reached.reduce<Reached | null>(
    (least, each) => (least === null || each.floor < least.floor ? each : least),
    null,
  );
}
