import type { Knex } from 'knex';
import type { Relations } from '../mapping/mapping.js';
import type { MovingTimes } from '../mapping/moving-times.js';
import { REFERENCE_MAPPING } from '../mapping/reference.js';
import type { EventName } from '../events/event.js';
import { rowsOf } from '../postgres/query.js';
import { GuestSet } from '../suppression/guest-set.js';
import type { Sum } from './decode.js';
import {
  expectedRelations,
  impliedByOthersSql,
  impliedByTransactionsSql,
  impliedVoidsSql,
  type ExpectedSqlOptions,
} from './expected.sql.js';
import type { Doubt, ExpectedId } from './judge.js';

/** PostgreSQL's way to `messageHash`. */
export function messageHashSql(messageId: string): string {
  return `('x' || encode(substr(sha256(convert_to(${messageId}, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint`;
}

/** What a source sends, as far as it decides what is expected. */
export interface ExpectedOf {
  /** Names of the enabled events. */
  readonly events: readonly string[];
  readonly identify: boolean;
  readonly emitVoids: boolean;
  /** Null: every merchant. */
  readonly merchantIds: readonly string[] | null;
  /** Commits at or before it are left out, ISO instant. */
  readonly committedAfter: string;
  /** Only calls of these names; null: all. */
  readonly names: readonly string[] | null;
}

/** Minutes since 1970, from inclusive, to exclusive. */
export interface MinuteSpan {
  readonly from: number;
  readonly to: number;
}

/** What the tables imply of one name in one minute. */
export interface ExpectedMinute {
  readonly name: string;
  readonly minute: number;
  readonly certain: Sum;
  readonly doubtful: Sum;
  /** How many of them are in doubt for their time has moved here. */
  readonly moved: number;
  /** The rows' own times, milliseconds since 1970, from first to last. */
  readonly firstRowAtMs: number;
  readonly lastRowAtMs: number;
}

const MS_PER_MINUTE = 60_000;
const DAY_MS = 86_400_000;
/** How long before and after its posting a till's time is believed: see the domain's rule on timestamps. */
const POSTED_EARLIER_MS = 5 * MS_PER_MINUTE;
export const POSTED_LATER_MS = 30 * DAY_MS;

export interface ExpectedQuery {
  readonly knex: Knex;
  /** Default: the tables of the reference schema. */
  readonly relations?: Relations;
  readonly of: ExpectedOf;
  readonly tracked: boolean;
  /** Default: there are none. */
  readonly moving?: MovingTimes;
  readonly minutes: MinuteSpan;
  readonly nowMs: number;
  /** Who is on the suppression list now. Default: nobody. */
  readonly listed?: GuestSet;
}

interface SumRow {
  name: string;
  minute: number;
  doubtful: boolean;
  count: string;
  sum: string;
  moved: number;
  first_ms: number;
  last_ms: number;
}

/**
 * Count and hash sum of what the tables imply, by name and minute. Ledger rows are read a day at a time, each in a
 * transaction of its own: none is long, whatever the span. A till's time may lie up to 30 days before its posting, so
 * that much more of the ledger is read, as far as there is any.
 */
export async function expectedMinutes(query: ExpectedQuery): Promise<ExpectedMinute[]> {
  const fromMs = query.minutes.from * MS_PER_MINUTE;
  const toMs = query.minutes.to * MS_PER_MINUTE;
  const minutes = new Map<string, ExpectedMinute>();
  const others = { kind: 'others', fromMs, toMs } as const;
  for (const row of await rowsIn<SumRow>(query, others, SUMS)) addTo(minutes, row);
  const end = Math.min(toMs + POSTED_LATER_MS, query.nowMs + DAY_MS);
  // A row is posted when its transaction begins: what was committed later was not posted days before.
  const start = Math.max(fromMs - POSTED_EARLIER_MS, Date.parse(query.of.committedAfter) - DAY_MS);
  for (let at = start; at < end; at += DAY_MS) {
    const day = { kind: 'transactions', fromMs: at, toMs: Math.min(at + DAY_MS, end) } as const;
    for (const row of await rowsIn<SumRow>(query, day, SUMS)) addTo(minutes, row);
  }
  return [...minutes.values()];
}

const SUMS = `SELECT name, minute, doubt IS NOT NULL AS doubtful, count(*) AS count,
  ((((sum(hash::numeric) + 9223372036854775808) % 18446744073709551616 + 18446744073709551616) % 18446744073709551616)
    - 9223372036854775808)::text AS sum, (count(*) FILTER (WHERE doubt = 'time_unknown'))::int AS moved,
  (floor(extract(epoch FROM min(row_at)) * 1000))::float8 AS first_ms, (ceil(extract(epoch FROM max(row_at)) * 1000))::float8 AS last_ms
FROM hashed WHERE NOT repeat AND NOT maybe GROUP BY 1, 2, 3`;

function addTo(minutes: Map<string, ExpectedMinute>, row: SumRow): void {
  const key = `${row.name} ${row.minute}`;
  const known = minutes.get(key) ?? {
    name: row.name,
    minute: row.minute,
    certain: { count: 0, sum: 0n },
    doubtful: { count: 0, sum: 0n },
    moved: 0,
    firstRowAtMs: row.first_ms,
    lastRowAtMs: row.last_ms,
  };
  const which = row.doubtful ? 'doubtful' : 'certain';
  const sum = {
    count: known[which].count + Number(row.count),
    sum: BigInt.asIntN(64, known[which].sum + BigInt(row.sum)),
  };
  minutes.set(key, {
    ...known,
    [which]: sum,
    moved: known.moved + row.moved,
    firstRowAtMs: Math.min(known.firstRowAtMs, row.first_ms),
    lastRowAtMs: Math.max(known.lastRowAtMs, row.last_ms),
  });
}

interface IdRow {
  message_id: string;
  event: EventName;
  hash: string;
  doubt: Doubt | null;
  commit_at_ms: number | null;
  row_at_ms: number;
  repeat: boolean;
  maybe: boolean;
  /** Absent where nobody is on the list. */
  guest?: string | null;
}

const GUEST = `(SELECT a.user_id::text FROM expected_account a WHERE a.account_id = hashed.account_id) AS guest, `;

/** @param ofGuests whose they are, too */
function idsSql(ofGuests: boolean): string {
  return `SELECT ${ofGuests ? GUEST : ''}message_id, event, hash::text, doubt, repeat, maybe,
  (extract(epoch FROM CASE WHEN isfinite(commit_at) THEN commit_at END) * 1000)::float8 AS commit_at_ms,
  (extract(epoch FROM row_at) * 1000)::float8 AS row_at_ms
FROM hashed ORDER BY commit_at, rank, key, part`;
}

/** The ids of one name in one minute, in the order in which they were sent, a till's repeats among them. */
export async function expectedIds(
  query: Omit<ExpectedQuery, 'minutes'>,
  at: Pick<ExpectedMinute, 'name' | 'minute'> & Partial<ExpectedMinute>,
): Promise<ExpectedId[]> {
  const { name, minute } = at;
  const ofName = { ...query, minutes: { from: minute, to: minute + 1 }, of: { ...query.of, names: [name] } };
  const { listed = GuestSet.NONE } = query;
  const ids = idsSql(listed.size > 0);
  const rows: IdRow[] = [];
  if (BY_TRANSACTION.has(name)) {
    // The sums have seen where the rows are; repeats may stand a little later.
    const fromMs = (at.firstRowAtMs ?? minute * MS_PER_MINUTE) - POSTED_EARLIER_MS;
    const toMs = (at.lastRowAtMs ?? (minute + 1) * MS_PER_MINUTE) + POSTED_EARLIER_MS;
    rows.push(...(await rowsIn<IdRow>(ofName, { kind: 'transactions', fromMs, toMs }, ids)));
  }
  if (!BY_TRANSACTION.has(name) || name === 'identify') {
    const fromMs = minute * MS_PER_MINUTE;
    const others = { kind: 'others', fromMs, toMs: fromMs + MS_PER_MINUTE } as const;
    rows.push(...(await rowsIn<IdRow>(ofName, others, ids)));
    if (name === 'identify') rows.sort((a, b) => (a.commit_at_ms ?? 0) - (b.commit_at_ms ?? 0));
  }
  const firsts = new Set(rows.filter((row) => !row.repeat).map((row) => row.message_id));
  const seen = new Set<string>();
  return rows.flatMap((row) => {
    if (seen.has(row.message_id) || (row.repeat && firsts.has(row.message_id))) return [];
    seen.add(row.message_id);
    return {
      messageId: row.message_id,
      event: row.event,
      hash: BigInt(row.hash),
      doubt: row.doubt,
      commitAtMs: row.commit_at_ms ?? row.row_at_ms,
      rowAtMs: row.row_at_ms,
      repeat: row.repeat,
      maybe: row.maybe && !row.repeat,
      listed: row.guest != null && listed.has(row.guest),
    };
  });
}

const BY_TRANSACTION: ReadonlySet<string> = new Set([
  'POS Activity',
  'Identify Customer',
  'Add/Redeem',
  'identify',
]);

interface RowSpan {
  readonly kind: 'transactions' | 'others';
  readonly fromMs: number;
  readonly toMs: number;
}

/** Runs `select` over the calls implied by the rows of a span, in a snapshot of its own. */
async function rowsIn<R>(query: ExpectedQuery, span: RowSpan, select: string): Promise<R[]> {
  const { knex, relations = REFERENCE_MAPPING.relations, tracked, moving, of, minutes } = query;
  const from = new Date(span.fromMs).toISOString();
  const options: ExpectedSqlOptions = {
    relations,
    tracked,
    ...(moving === undefined ? {} : { moving }),
    span: { from, to: new Date(span.toMs).toISOString() },
  };
  const statement = `${calls(options, span.kind, of.emitVoids)} ${select}`;
  const bindings = [
    of.committedAfter,
    of.committedAfter,
    of.committedAfter,
    of.events,
    of.identify,
    of.merchantIds,
    of.merchantIds,
    of.names,
    of.names,
    from,
    minutes.from,
    minutes.to,
  ];
  return knex.transaction(
    async (transaction) => {
      const doing = 'working out what should have been sent';
      await rowsOf(transaction, doing, 'SET LOCAL statement_timeout = 0');
      // The reference schema's foreign keys tell the planner how many rows its joins have. Elsewhere it may take every
      // account, joined with every header of a day, for a single row.
      if (!relations.hasForeignKeys) await rowsOf(transaction, doing, 'SET LOCAL enable_nestloop = off');
      return rowsOf<R>(transaction, doing, statement, bindings);
    },
    { isolationLevel: 'repeatable read', readOnly: true },
  );
}

/**
 * The relation `hashed`: each call the rows of the span imply, its minute and the hash of its id. `repeat`: not the first row
 * of its id. `maybe`: its row tells a time before anything was counted, and was committed then or later. An identification from before the span is there only to be the first of later ones.
 */
function calls(options: ExpectedSqlOptions, kind: RowSpan['kind'], emitVoids: boolean): string {
  const relations = expectedRelations(options).map(
    ({ name, query, once }) => `${name} AS ${once ? 'MATERIALIZED' : 'NOT MATERIALIZED'} (${query})`,
  );
  const implied =
    kind === 'others'
      ? impliedByOthersSql(options)
      : `${impliedByTransactionsSql(options)}${emitVoids ? `\nUNION ALL\n${impliedVoidsSql(options)}` : ''}`;
  return `WITH ${relations.join(',\n')},
implied AS (${implied}),
numbered AS (
  SELECT i.*, floor(extract(epoch FROM coalesce(i.acted_at, i.commit_at)) / 60)::int AS minute,
    row_number() OVER (PARTITION BY i.message_id ORDER BY i.commit_at, i.rank, i.key, i.part) > 1 AS repeat,
    i.commit_at <= ?::timestamptz AS maybe
  FROM implied i
  WHERE (i.commit_at > ?::timestamptz OR NOT i.commit_known AND i.changed_at > ?::timestamptz) AND isfinite(i.commit_at) AND i.event = ANY(?) AND (?::boolean OR i.name <> 'identify')
    AND (?::text[] IS NULL OR i.merchant_id = ANY(?::text[]::int[])) AND (?::text[] IS NULL OR i.name = ANY(?::text[]))
),
hashed AS (
  SELECT n.*, ${messageHashSql('n.message_id')} AS hash FROM numbered n
  WHERE n.row_at >= ?::timestamptz AND n.minute >= ?::int AND n.minute < ?::int
)`;
}
