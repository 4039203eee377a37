import { NOTHING_MOVES, type MovingTimes } from '../mapping/moving-times.js';
import type { CustomFeed } from './custom-feeds.js';
import type { Feed, RecordFeed } from './feeds.js';

/** Events of which rows are passed over: their time is a commit time, and their tables are updated. */
export interface MovedRows {
  readonly events: readonly string[];
  /** Of the record, e.g. `registered_at`; of a custom event its `timestamp`. */
  readonly column: string;
  /** The user's. */
  readonly tables: readonly string[];
}

export interface WantedFeeds {
  readonly records: readonly RecordFeed[];
  readonly customs: readonly CustomFeed[];
}

/** What would come a second time, under the same message id with the time of the last update. Profiles are as they stand. */
export function movedRows({ records, customs }: WantedFeeds, moving: MovingTimes): readonly MovedRows[] {
  const ofRecords = records
    .filter(({ name }) => name !== 'profiles')
    .map(({ table, timeOf, events }) => ({ events, column: timeOf, tables: moving.of(table, timeOf) }));
  const ofCustoms = customs.map(({ event }) => ({
    events: [event.name],
    column: 'timestamp',
    tables: moving.ofCustom(event) ? [event.table] : [],
  }));
  return [...ofRecords, ...ofCustoms].filter(({ tables }) => tables.length > 0);
}

/** The feeds without those rows: one whose time is of a column of its own is taken as ever. */
export function withoutMovedRows(feeds: WantedFeeds, moving: MovingTimes = NOTHING_MOVES): WantedFeeds {
  return {
    records: feeds.records.map((feed) =>
      feed.name !== 'profiles' && moving.of(feed.table, feed.timeOf).length > 0
        ? standing(feed, `t.${feed.timeOf}`)
        : feed,
    ),
    customs: feeds.customs.map((feed) => (moving.ofCustom(feed.event) ? standing(feed, feed.time) : feed)),
  };
}

function standing<F extends Feed>(feed: F, time: string): F {
  return {
    ...feed,
    wanted: `(${feed.wanted}) AND (${time} = pg_xact_commit_timestamp(t.xmin)) IS NOT TRUE`,
  };
}
