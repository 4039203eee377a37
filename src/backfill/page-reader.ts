import type { Knex } from 'knex';
import type { Mapping } from '../mapping/mapping.js';
import { movingTimes } from '../mapping/moving-times.js';
import { rowOf } from '../postgres/query.js';
import type { Clock } from '../lifecycle/clock.js';
import { databaseError } from '../postgres/database-error.js';
import { tracksCommitTimes } from '../postgres/system.js';
import { restoreCommits, type RestoreOptions, type RestoredCommit } from './commits.js';
import { customFeeds } from './custom-feeds.js';
import { feeds, feedsOf, type FeedName } from './feeds.js';
import { isIndexed, isTimeIndexed } from './indexes.js';
import { KeyScan } from './key-scan.js';
import { movedRows, withoutMovedRows, type MovedRows, type WantedFeeds } from './moved-rows.js';
import { PageFacts } from './page-facts.js';
import { readPageRows, type ReadRowsOptions } from './page-rows.js';
import { readByTime } from './read-places.js';
import type { BackfillRequest, BackfillSpan } from './request.js';
import {
  BEGINNING_US,
  cutAtCommonEnd,
  positionBefore,
  type Place,
  type Position,
  type Stretch,
} from './stretch.js';

export interface PageReaderOptions {
  readonly knex: Knex;
  readonly mapping: Mapping;
  readonly clock: Clock;
  readonly request: BackfillRequest;
  readonly span: BackfillSpan;
  /** Null: every merchant's. */
  readonly merchantIds: readonly string[] | null;
  readonly emitVoids: boolean;
  /** Rows of a feed that a page looks at, at most. */
  readonly pageRows: number;
  readonly onLookup?: (table: string) => void;
  /** Rows walked over to find those of the span, in tables without an index on their time. */
  readonly onScanned?: (rows: number) => void;
}

export interface Page {
  /** In the order of their commits. */
  readonly commits: readonly RestoredCommit[];
  readonly facts: PageFacts;
  readonly positions: ReadonlyMap<FeedName, Position>;
  /** Rows that it is about. */
  readonly rows: number;
  /** The earliest own time of its rows, microseconds since 1970; null without any. */
  readonly firstUs: number | null;
  /** Rows looked at for it. */
  readonly lookedAt: number;
  /** Everything with an own time before this is dealt with once the page is; microseconds since 1970. */
  readonly reachedUs: number;
  readonly done: boolean;
}

/** Reads pages: each from one consistent snapshot, in a read-only transaction of a few statements. */
export class PageReader {
  readonly #options: PageReaderOptions;
  readonly #wanted: Pick<ReadRowsOptions, 'records' | 'customs'>;
  readonly #trackCommitTimestamp: boolean;
  readonly #scans: ReadonlyMap<FeedName, KeyScan>;

  static async open(options: PageReaderOptions): Promise<PageReader> {
    const { knex, mapping, request, merchantIds, clock, onScanned } = options;
    const tracking = await tracksCommitTimes(knex);
    const asked = feedsFor(mapping, request, tracking);
    const { records, customs } =
      tracking && request.updatedRows !== true
        ? withoutMovedRows(asked, await movingTimes(knex, mapping))
        : asked;
    const scans = new Map<FeedName, KeyScan>();
    for (const feed of [...records, ...customs]) {
      if (await isTimeIndexed(knex, feed, merchantIds?.length === 1)) continue;
      const isKeyIndexed = await isIndexed(knex, feed.plain, [feed.key]);
      scans.set(
        feed.name,
        new KeyScan({ knex, feed, clock, isKeyIndexed, ...(onScanned === undefined ? {} : { onScanned }) }),
      );
    }
    return new PageReader(options, { records, customs }, tracking, scans);
  }

  private constructor(
    options: PageReaderOptions,
    wanted: Pick<ReadRowsOptions, 'records' | 'customs'>,
    trackCommitTimestamp: boolean,
    scans: ReadonlyMap<FeedName, KeyScan>,
  ) {
    this.#options = options;
    this.#wanted = wanted;
    this.#trackCommitTimestamp = trackCommitTimestamp;
    this.#scans = scans;
  }

  async read(positions: ReadonlyMap<FeedName, Position>, signal: AbortSignal): Promise<Page> {
    const { knex, mapping, span, request, emitVoids } = this.#options;
    const scanned = await this.#scannedStretches(positions, signal);
    const page = await inSnapshot(knex, async (snapshot) => {
      const stretches = await this.#stretches(snapshot, positions, scanned);
      const cut = cutAtCommonEnd(stretches, span.untilUs);
      const rows = await readPageRows(cut.taken, {
        knex: snapshot,
        relations: mapping.relations,
        ...this.#wanted,
        trackCommitTimestamp: this.#trackCommitTimestamp,
      });
      const restore: RestoreOptions = {
        events: new Set(request.events),
        emitVoids,
        nowUs: await clockUs(snapshot),
        registeredByCommit: mapping.relations.commitTimed('loyalty.account', 'registered_at').length > 0,
      };
      const commits = restoreCommits(rows, restore);
      const lookedAt = stretches.reduce((sum, stretch) => sum + stretch.lookedAt, 0);
      return { cut, commits, lookedAt };
    });
    const { cut, commits, lookedAt } = page;
    // Outside the snapshot, which is short so: look-ups are as of the commits, and a guest deleted meanwhile is seen.
    const facts = this.#facts(commits);
    await facts.fill();
    return {
      commits,
      facts,
      positions: cut.positions,
      rows: [...cut.taken.values()].reduce((sum, places) => sum + places.length, 0),
      firstUs: earliest([...cut.taken.values()]),
      lookedAt,
      reachedUs: cut.endUs + 1,
      done: cut.done,
    };
  }

  #facts(commits: readonly RestoredCommit[]): PageFacts {
    const { knex, mapping, onLookup } = this.#options;
    return new PageFacts(commits, {
      knex,
      relations: mapping.relations,
      trackCommitTimestamp: this.#trackCommitTimestamp,
      ...(onLookup === undefined ? {} : { onLookup }),
    });
  }

  async #scannedStretches(
    positions: ReadonlyMap<FeedName, Position>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<FeedName, Stretch>> {
    const stretches = new Map<FeedName, Stretch>();
    for (const [name, scan] of this.#scans) {
      stretches.set(name, await scan.next(this.#span(name, positions), this.#options.pageRows, signal));
    }
    return stretches;
  }

  /** Each feed is read no further than those before it reach. */
  async #stretches(
    snapshot: Knex,
    positions: ReadonlyMap<FeedName, Position>,
    scanned: ReadonlyMap<FeedName, Stretch>,
  ): Promise<readonly Stretch[]> {
    const stretches = [...scanned.values()];
    let untilUs = Math.min(
      ...stretches.map(({ knownUpToUs }) => knownUpToUs + 1),
      this.#options.span.untilUs,
    );
    for (const feed of [...this.#wanted.records, ...this.#wanted.customs]) {
      if (scanned.has(feed.name)) continue;
      const bounded = { ...this.#span(feed.name, positions), untilUs };
      const stretch = await readByTime(snapshot, feed, bounded, this.#options.pageRows);
      stretches.push(stretch);
      untilUs = Math.min(untilUs, stretch.knownUpToUs + 1);
    }
    return stretches;
  }

  #span(name: FeedName, positions: ReadonlyMap<FeedName, Position>) {
    const { span, merchantIds } = this.#options;
    const after = positions.get(name) ?? positionBefore(span.sinceUs ?? BEGINNING_US);
    return { after, untilUs: span.untilUs, streamedFromUs: span.streamedFromUs ?? null, merchantIds };
  }
}

function feedsFor(mapping: Mapping, request: BackfillRequest, tracking: boolean): WantedFeeds {
  const { events, custom, identify } = request;
  return {
    records: feedsOf(feeds(tracking, mapping.relations), { events: new Set(events), identify }),
    customs: customFeeds(mapping, new Set(custom), tracking),
  };
}

/**
 * Which rows that are asked for a backfill passes over, unless it is to take `updatedRows`. @throws ConnectorError DATABASE_…
 */
export async function readMovedRows(
  knex: Knex,
  mapping: Mapping,
  request: BackfillRequest,
): Promise<readonly MovedRows[]> {
  if (!(await tracksCommitTimes(knex))) return [];
  const moved = movedRows(feedsFor(mapping, request, true), await movingTimes(knex, mapping));
  // Of a feed only what was asked for.
  return moved.map((each) => ({
    ...each,
    events: each.events.filter(
      (name) => request.custom.includes(name) || request.events.some((event) => event === name),
    ),
  }));
}

/** Of lists in order. */
function earliest(lists: readonly (readonly Place[])[]): number | null {
  const firsts = lists.flatMap((places) => places[0]?.atUs ?? []);
  return firsts.length === 0 ? null : Math.min(...firsts);
}

/** One read-only snapshot for all statements of `work`. @throws ConnectorError DATABASE_… */
async function inSnapshot<T>(knex: Knex, work: (snapshot: Knex) => Promise<T>): Promise<T> {
  try {
    return await knex.transaction(work, { isolationLevel: 'repeatable read', readOnly: true });
  } catch (error) {
    throw databaseError(error, 'reading a page');
  }
}

async function clockUs(knex: Knex): Promise<number> {
  const { us } = await rowOf<{ us: string }>(
    knex,
    'reading the clock',
    `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text AS us`,
  );
  return Number(us);
}
