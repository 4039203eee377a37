import type { Knex } from 'knex';
import { slugOf } from '../events/custom-event.js';
import { customRows, untold, type CustomRows } from '../mapping/custom-rows.js';
import { customEventsOf, type CustomEvent, type Mapping } from '../mapping/mapping.js';
import { tracksCommitTimes } from '../postgres/system.js';
import type { Feed } from './feeds.js';

/** A custom event's table as backfill reads it. */
export interface CustomFeed extends Feed {
  readonly event: CustomEvent;
  readonly rows: CustomRows;
}

/** Feeds of those custom events of these names whose tables can tell of them. */
export function customFeeds(
  mapping: Mapping,
  names: ReadonlySet<string>,
  trackCommitTimestamp: boolean,
): readonly CustomFeed[] {
  return customEventsOf(mapping)
    .filter((event) => names.has(event.name) && untold(event, trackCommitTimestamp) === null)
    .map((event) => {
      const rows = customRows(event, trackCommitTimestamp);
      const plain = (column: string) => {
        const own = rows.plain(column);
        return own === null ? null : { table: event.table, column: own };
      };
      return {
        event,
        rows,
        name: `custom:${slugOf(event.name)}`,
        table: event.table,
        key: 'id',
        time: 't.at',
        timeColumn: 'at',
        wanted: 't.is_wanted',
        events: [],
        from: rows.from,
        keyType: rows.idType,
        plain,
      };
    });
}

export interface CustomTelling {
  /** Names of those whose tables can tell of them. */
  readonly told: readonly string[];
  /** The others, and why; see `untold`. */
  readonly untold: readonly { readonly name: string; readonly why: string }[];
}

/** Which of the custom events can be read from the tables. @throws ConnectorError DATABASE_… */
export async function customTelling(knex: Knex, mapping: Mapping): Promise<CustomTelling> {
  const tracking = await tracksCommitTimes(knex);
  const all = customEventsOf(mapping).map((event) => ({ name: event.name, why: untold(event, tracking) }));
  return {
    told: all.flatMap(({ name, why }) => (why === null ? [name] : [])),
    untold: all.flatMap(({ name, why }) => (why === null ? [] : [{ name, why }])),
  };
}
