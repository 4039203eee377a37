import { laterLsn, type Lsn } from '../postgres/lsn.js';
import type { LaneName } from '../queue/keys.js';

/** The last job of each lane. */
export type LaneSeqs = Readonly<Record<LaneName, number>>;

interface Sample {
  readonly floor: Lsn;
  readonly commitTimeUs: number | null;
  readonly seqs: LaneSeqs;
}

/** Kept at most; beyond, every second one is forgotten: the answer is then a little older, never wrong. */
const MAX_SAMPLES = 4_096;

/**
 * The position up to which everything is delivered, in every lane. Whatever has settled up to a floor lies in jobs that
 * exist at that moment: so once every lane has delivered the last of those, all up to that floor is delivered. Lanes
 * that have nothing to do satisfy any sample at once.
 */
export class DeliveredFloor {
  #floor: Lsn;
  #commitTimeUs: number | null;
  #samples: Sample[] = [];

  /** @param floor what an earlier process knew to be delivered. */
  constructor(floor: Lsn, commitTimeUs: number | null) {
    this.#floor = floor;
    this.#commitTimeUs = commitTimeUs;
  }

  get floor(): Lsn {
    return this.#floor;
  }

  /** Commit time of the last transaction up to the floor, microseconds since 1970; null: not known. */
  get commitTimeUs(): number | null {
    return this.#commitTimeUs;
  }

  /** Everything up to `floor` is in jobs up to these. Take both at one moment, before asking what is delivered. */
  queued(floor: Lsn, commitTimeUs: number | null, seqs: LaneSeqs): void {
    const last = this.#samples.at(-1);
    if (floor <= laterLsn(this.#floor, last?.floor ?? this.#floor)) return;
    this.#samples.push({ floor, commitTimeUs, seqs });
    if (this.#samples.length > MAX_SAMPLES) {
      this.#samples = this.#samples.filter((_, index) => index % 2 === 0);
    }
  }

  /** What the lanes have delivered by now. Returns the floor. */
  delivered(seqs: LaneSeqs): Lsn {
    let done = 0;
    for (const sample of this.#samples) {
      const complete = Object.entries(sample.seqs).every(
        ([lane, seq]) => (seqs[lane as LaneName] ?? 0) >= seq,
      );
      if (!complete) break;
      this.#floor = sample.floor;
      this.#commitTimeUs = sample.commitTimeUs;
      done += 1;
    }
    if (done > 0) this.#samples = this.#samples.slice(done);
    return this.#floor;
  }
}
