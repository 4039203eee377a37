import type { EventName } from '../events/event.js';
import type { Relations } from '../mapping/mapping.js';
import type { TableName } from '../records/tables.js';

type RecordFeedName =
  'transactions' | 'accounts' | 'checkins' | 'recharges' | 'referrals' | 'responses' | 'profiles';
export type FeedName = RecordFeedName | `custom:${string}`;

/** A table as backfill reads it: in the order of the rows' own time, then primary key. */
export interface Feed extends Omit<FeedSpec, 'name' | 'table' | 'timeOf'> {
  readonly name: FeedName;
  /** For messages. */
  readonly table: string;
  /** What stands for the table after FROM. */
  readonly from: string;
  /** SQL type of the key. */
  readonly keyType: string;
  /** See `Relations.plain`. */
  readonly plain: PlainColumns;
}

/** A feed of canonical records. */
export interface RecordFeed extends Feed {
  readonly table: TableName;
  readonly timeOf: string;
}

/** The user's column that a column of the feed is, where it is just that. */
export type PlainColumns = (column: string) => { readonly table: string; readonly column: string } | null;

interface FeedSpec {
  readonly name: RecordFeedName;
  readonly table: TableName;
  /** What tells rows of one time apart. */
  readonly key: string;
  /** The rows' own time as SQL over alias `t`. */
  readonly time: string;
  /** The column that `time` is of. */
  readonly timeOf: string;
  /** The same where that is all there is to it: an index on it makes reading in order cheap. */
  readonly timeColumn: string | null;
  /** Rows that could matter, as SQL over `t`: never refuses one that an event could come from. */
  readonly wanted: string;
  readonly events: readonly EventName[];
}

export function feeds(
  trackCommitTimestamp: boolean,
  relations: Relations,
): Readonly<Record<RecordFeedName, RecordFeed>> {
  const specs = Object.entries(feedSpecs(trackCommitTimestamp)) as [RecordFeedName, FeedSpec][];
  return Object.fromEntries(
    specs.map(([name, spec]) => {
      const { table, key } = spec;
      const plain: PlainColumns = (column) => relations.plain(table, column);
      return [name, { ...spec, plain, from: relations.from(table), keyType: relations.type(table, key) }];
    }),
  ) as Record<RecordFeedName, RecordFeed>;
}

/**
 * Only columns of `records/tables.ts` (and `xmin`): those are all the connector's role may read. A row that has no time
 * of its own is placed at the commit of its last version where the server keeps commit times, else it cannot be placed.
 */
function feedSpecs(trackCommitTimestamp: boolean): Readonly<Record<RecordFeedName, FeedSpec>> {
  const orVersion = (column: string): string =>
    trackCommitTimestamp ? `coalesce(t.${column}, pg_xact_commit_timestamp(t.xmin))` : `t.${column}`;
  return {
    transactions: {
      name: 'transactions',
      table: 'txn.transaction',
      key: 'transaction_id',
      time: 't.posted_at',
      timeOf: 'posted_at',
      timeColumn: 'posted_at',
      wanted: `t.account_id IS NOT NULL AND t.result = 'AUTHORIZED' AND NOT t.is_training AND t.origin <> 'IMPORT'
        AND t.import_batch_id IS NULL`,
      events: ['Identify Customer', 'POS Activity', 'Add/Redeem'],
    },
    accounts: {
      name: 'accounts',
      table: 'loyalty.account',
      key: 'account_id',
      time: 't.registered_at',
      timeOf: 'registered_at',
      timeColumn: 'registered_at',
      wanted: `t.user_id IS NOT NULL AND t.registration_source IS DISTINCT FROM 'IMPORT' AND t.import_batch_id IS NULL`,
      events: ['Loyalty Registration', 'Web Registration'],
    },
    checkins: {
      name: 'checkins',
      table: 'loyalty.checkin',
      key: 'checkin_id',
      time: 't.checkin_time',
      timeOf: 'checkin_time',
      timeColumn: 'checkin_time',
      wanted: 'true',
      events: ['Check-In'],
    },
    recharges: {
      name: 'recharges',
      table: 'txn.recharge',
      key: 'recharge_id',
      time: orVersion('completed_at'),
      timeOf: 'completed_at',
      timeColumn: null,
      // A refund that has no time of completion was, as far as can be told, never completed.
      wanted: `t.payment_type <> 'COMP' AND (t.transaction_state = 'Succeeded'
        OR (t.transaction_state IN ('Refunded', 'Chargeback') AND t.completed_at IS NOT NULL))`,
      events: ['Recharge Value'],
    },
    referrals: {
      name: 'referrals',
      table: 'loyalty.referral',
      key: 'referral_id',
      time: 't.created_at',
      timeOf: 'created_at',
      timeColumn: 'created_at',
      wanted: 't.referred_account_id IS DISTINCT FROM t.referrer_account_id',
      events: ['Referral'],
    },
    responses: {
      name: 'responses',
      table: 'survey.response',
      key: 'response_id',
      time: orVersion('completed_at'),
      timeOf: 'completed_at',
      timeColumn: null,
      wanted: `t.status = 'COMPLETED'`,
      events: ['Survey Completion'],
    },
    profiles: {
      name: 'profiles',
      table: 'loyalty.account',
      key: 'account_id',
      time: 't.registered_at',
      timeOf: 'registered_at',
      timeColumn: 'registered_at',
      wanted: 't.user_id IS NOT NULL',
      events: [],
    },
  };
}

/** The feeds that a request reads; transactions first, as they are the most and so bound the others' pages. */
export function feedsOf(
  all: Readonly<Record<RecordFeedName, RecordFeed>>,
  request: { readonly events: ReadonlySet<EventName>; readonly identify: boolean },
): readonly RecordFeed[] {
  return Object.values(all).filter((feed) =>
    feed.name === 'profiles' ? request.identify : feed.events.some((event) => request.events.has(event)),
  );
}
