import type { Knex } from 'knex';
import type { Clock } from '../lifecycle/clock.js';
import { failpoint } from '../lifecycle/failpoint.js';
import { writeCheckpoint, writeDelivered } from '../postgres/checkpoint-store.js';
import type { Lsn } from '../postgres/lsn.js';
import type { QueueSink } from '../queue/event-sink.js';
import type { Reached } from '../replay/delivered-floors.js';
import { deliveredToJson, type DeliveredState } from '../replay/delivered-state.js';
import { DeliveredWatch } from '../replay/delivered-watch.js';
import { knownDelivered } from '../replay/healing.js';
import { Checkpoints, type Progress } from './checkpoints.js';
import type { CaptureObserver } from './observer.js';
import type { SourcePlaces } from './source-places.js';
import type { Start } from './start.js';
import type { StreamFloor } from './stream-floor.js';

export interface BooksOptions {
  readonly knex: Knex;
  readonly slotName: string;
  readonly clock: Clock;
  readonly observer: CaptureObserver;
  readonly sink: QueueSink;
  readonly start: Start;
  readonly floor: StreamFloor;
  readonly places: SourcePlaces;
  /** See `DeliveredWatchOptions`. */
  readonly counted?: () => Promise<void>;
}

/** What a session writes down beside the data: how far it is queued, in which lanes, and how far it is delivered. */
export class Books {
  readonly #options: BooksOptions;

  constructor(options: BooksOptions) {
    this.#options = options;
  }

  /** A row of the checkpoint, with the lanes as they are now. */
  async write(progress: Progress, delivered: DeliveredState): Promise<void> {
    const { knex, slotName, observer, sink, start } = this.#options;
    await writeCheckpoint(knex, {
      slotName,
      systemIdentifier: start.system.systemIdentifier,
      timeline: start.system.timeline,
      endLsn: progress.endLsn,
      commitTimeUs: progress.commitTimeUs,
      lanes: { ...sink.laneSnapshot() },
      delivered: deliveredToJson(delivered),
    });
    observer.checkpointed?.(progress.endLsn);
    failpoint('checkpoint-stored');
  }

  watchDelivered(): DeliveredWatch {
    const { knex, slotName, clock, observer, sink, start, floor, places, counted } = this.#options;
    const queued = (): Reached => ({ ...floor.progress, floor: floor.progress.endLsn });
    return new DeliveredWatch({
      sink,
      queued,
      sources: () => places.progress(queued()),
      known: knownDelivered(start.checkpoint),
      write: async (state) => {
        await writeDelivered(knex, slotName, deliveredToJson(state));
        failpoint('delivered-stored');
      },
      clock,
      ...(counted === undefined ? {} : { counted }),
      onChange: (lsn) => observer.delivered?.(lsn),
    });
  }

  keepCheckpoints(stream: { readonly confirm: (lsn: Lsn) => void }, delivered: DeliveredWatch): Checkpoints {
    const { clock, start, floor } = this.#options;
    return new Checkpoints({
      clock,
      stored: start.checkpoint.endLsn,
      floor: () => floor.progress,
      write: async (progress) => {
        const { state } = delivered;
        await this.write(progress, state);
        delivered.wrote(state);
      },
      confirm: (lsn) => {
        floor.confirmed(lsn);
        stream.confirm(lsn);
      },
    });
  }
}
