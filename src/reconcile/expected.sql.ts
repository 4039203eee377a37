import type { Relations } from '../mapping/mapping.js';
import type { MovingTimes } from '../mapping/moving-times.js';
import type { TableName } from '../records/tables.js';
import { expectedKeys, messageIdSql, type ExpectedKeys } from './expected-keys.sql.js';

/**
 * What should have been sent, worked out in SQL from the committed tables alone: a second reading of the domain's rules
 * that shares nothing with the one that derives events. `reconcile` asks it of the tables as they stand, span by span;
 * the demo's oracle makes temporary tables of it and adds order and balances. Sessions must have TimeZone UTC.
 *
 * Tables hold the present, events the past. What bridges them:
 * - `pg_xact_commit_timestamp(xmin)` is when a row's last version was committed. Rows that are only ever inserted
 *   (ledger, checks) thus tell their commit; two rows with the same time were committed together (also through
 *   savepoints, whose rows carry ids of their own). Without it (`tracked` false, or a row older than the server
 *   remembers) the row's own time stands in, which is the same within one database transaction.
 * - A row that changes tells its first commit only while it has not changed again. `now()` is the same through a
 *   transaction, so times the application wrote (`registered_at` = `updated_at`, `completed_at` = the ledger's
 *   `posted_at`) say whether the last version is the one that counts. If not, the call is expected all the same, but
 *   `commit_known` is false: its order, latency and balances cannot be judged.
 * - A gate that closed (account terminated, guest forgotten, merchant suspended) has been closed since the version that
 *   says so, and was open before. Such a row may have been touched again later, so `doubt` names the gate.
 * - A time that a mapping takes from the commit moves with every update of its row (`moving`): when the call was made nobody
 *   knows then, and `doubt` says so.
 *
 * Only mapped columns and xmin are read: the connector's role may read no others.
 */
export interface ExpectedSqlOptions {
  /** What stands for the tables. Its statements are for `knex.raw`, to which a bare question mark is a binding. */
  readonly relations: Relations;
  /** The server has track_commit_timestamp on. */
  readonly tracked: boolean;
  /** Times that are commit times of tables that are updated. Default: there are none. */
  readonly moving?: MovingTimes;
  /**
   * Only rows whose own time (`row_at`) lies in it, as ISO instants, from inclusive, to exclusive. Identifications are read
   * from two days earlier on, because a till's repeats count with the first. Null: every row.
   */
  readonly span: { readonly from: string; readonly to: string } | null;
  /** A role that may read every column can tell a used check-in from a new one at once. Default false. */
  readonly everyColumn?: boolean;
}

/** A named query that others read from. */
export interface Relation {
  readonly name: string;
  readonly query: string;
  /** Columns worth an index where it is made a table. */
  readonly indexes: readonly string[];
  /** Whether it is read more than once and small enough to be worked out once. */
  readonly once: boolean;
}

/** No transaction that only inserts a row takes longer: a version committed this long after its row was made changed it. */
const LONGEST_INSERT = `interval '250 milliseconds'`;
/** A version committed longer than this after the moment it records is a later edit. */
const LATER_EDIT = `interval '1 second'`;
/** How long after its first identification a till may repeat it under the same key: within one business day. */
const REPEATED_WITHIN = `interval '2 days'`;

/** The relations that `impliedSql` reads, in the order in which they depend on each other. */
export function expectedRelations(options: ExpectedSqlOptions): readonly Relation[] {
  const committed = commitTime(options);
  return [
    { name: 'expected_merchant', query: merchant(options, committed), indexes: [], once: false },
    {
      name: 'expected_account',
      query: account(options, committed),
      indexes: ['account_id', 'user_id', 'merged_into_account_id'],
      once: false,
    },
    { name: 'expected_header', query: header(options, committed), indexes: ['transaction_id'], once: false },
    { name: 'expected_act', query: act(options, committed), indexes: [], once: true },
  ];
}

/**
 * Every row that implies a call, as (name, event, message_id, merchant_id, account_id, source, key, rank, part, commit_at,
 * commit_known, acted_at, row_at, clock_suspect, registered, certain, doubt, changed_at). A till's repeats imply one
 * message_id several times. `changed_at` is when the row's last version was committed: without `commit_known` the call's commit
 * lies between `commit_at` and that. `acted_at` is the call's timestamp, null where the row has none; `row_at` the row's own time, which
 * finds it again.
 */
export function impliedSql(options: ExpectedSqlOptions): string {
  return `${impliedByTransactionsSql(options)}\nUNION ALL\n${impliedByOthersSql(options)}`;
}

/** Of `impliedSql` what ledger headers imply: partitioned by their time, so that a span reads only its partitions. */
export function impliedByTransactionsSql(options: ExpectedSqlOptions): string {
  const keys = expectedKeys(options.relations);
  return [posActivity(keys), identifyCustomer(options, keys), addRedeem(options, keys)].join('\nUNION ALL\n');
}

/** The rest of `impliedSql`. */
export function impliedByOthersSql(options: ExpectedSqlOptions): string {
  const keys = expectedKeys(options.relations);
  return [registration, checkIn, recharge, referral, survey]
    .map((rows) => rows(options, keys))
    .join('\nUNION ALL\n');
}

/** POS Activity for voids committed after what they take back, for a source that sends them. Columns as `impliedSql`. */
export function impliedVoidsSql(options: ExpectedSqlOptions): string {
  const { relations } = options;
  const committed = commitTime(options);
  const keys = expectedKeys(relations);
  return `SELECT 'POS Activity', 'POS Activity', ${keys.messageId('transaction', 'h', `'pos_activity'`)}, h.merchant_id,
  h.account_id, 'transaction', ${keys.order('transaction', 'h')}, 4, 1, h.commit_at, h.commit_known, h.acted_at, h.posted_at, h.clock_suspect,
  coalesce(a.user_id IS NOT NULL AND a.registered_from <= h.commit_at, false), NOT a.forgotten, ${doubts('a.doubt', 'h.moved')}, h.commit_at
FROM expected_header h JOIN expected_account a USING (account_id)
WHERE h.modifier IN ('VOID', 'REVERSE') AND h.original_transaction_id IS NOT NULL AND h.origin = 'POS'
  AND h.result = 'AUTHORIZED' AND NOT h.is_training AND h.import_batch_id IS NULL AND h.store_kind IS DISTINCT FROM 'LAB'
  AND a.takes_part AND ${OPEN_AT('h')}
  AND NOT EXISTS (SELECT FROM ${relations.from('txn.transaction')} o WHERE o.account_id = h.account_id
    AND o.transaction_id = h.original_transaction_id AND ${committed('o', 'o.posted_at')} = h.commit_at)`;
}

type CommitTime = (alias: string, otherwise: string) => string;

function commitTime({ tracked }: ExpectedSqlOptions): CommitTime {
  return (alias, otherwise) =>
    tracked
      ? `coalesce(pg_xact_commit_timestamp(${alias}.xmin), ${otherwise})`
      : `(${otherwise})::timestamptz`;
}

function known({ tracked }: ExpectedSqlOptions, alias: string): string {
  return tracked ? `(pg_xact_commit_timestamp(${alias}.xmin) IS NOT NULL)` : 'false';
}

function within({ span }: ExpectedSqlOptions, time: string): string {
  return span === null
    ? 'true'
    : `(${time} >= timestamptz '${span.from}' AND ${time} < timestamptz '${span.to}')`;
}

/** Whether a time is no more than the commit of its row's last version, in a table that is updated. */
function moved(
  { tracked, moving }: ExpectedSqlOptions,
  table: TableName,
  alias: string,
  column: string,
): string {
  if (!tracked || moving === undefined || moving.of(table, column).length === 0) return 'false';
  return `coalesce(${alias}.${column} = pg_xact_commit_timestamp(${alias}.xmin), false)`;
}

function doubts(known: string, isMoved: string): string {
  return isMoved === 'false' ? known : `coalesce(${known}, CASE WHEN ${isMoved} THEN 'time_unknown' END)`;
}

/** When a version whose commit is not known closed its gate: long ago where commits are remembered, else at no known time. */
function unknownVersion({ tracked }: ExpectedSqlOptions): string {
  return tracked ? `'-infinity'` : `'infinity'`;
}

/** A version whose commit is not known is the first one while its state is the first one's, else some later edit. */
function unknownEdit(madeAt: string, unedited: string): string {
  return `coalesce(${madeAt} + CASE WHEN ${unedited} THEN interval '0' ELSE interval '1 minute' END, '-infinity')`;
}

/** A row whose own commit is not known cannot be told to be before or after the gate closed: then `doubt` says so. */
const OPEN_AT = (row: string): string => `(${row}.commit_at < a.open_until OR NOT ${row}.commit_known)`;

function merchant(options: ExpectedSqlOptions, committed: CommitTime): string {
  return `SELECT m.merchant_id, m.default_timezone, m.status <> 'ACTIVE' OR m.is_demo AS closed,
  CASE WHEN m.status <> 'ACTIVE' OR m.is_demo THEN ${committed('m', unknownVersion(options))}
    ELSE 'infinity' END AS open_until
FROM ${options.relations.from('loyalty.merchant')} m`;
}

function account(options: ExpectedSqlOptions, committed: CommitTime): string {
  const { relations } = options;
  return `SELECT a.account_id, a.merchant_id, a.user_id, a.card_template_code, a.registered_at, a.registration_source,
  a.import_batch_id, a.enrollment_store_id, a.enrolled_at, a.merged_into_account_id,
  ${committed('a', 'a.updated_at')} AS last_change_at,
  coalesce(k.registration_known, false) AS registration_known,
  CASE WHEN k.registration_known AND isfinite(v.version_at) THEN v.version_at ELSE a.registered_at END AS registration_at,
  k.registration_moved,
  CASE WHEN k.registration_moved THEN '-infinity'
    WHEN k.registration_known AND isfinite(v.version_at) THEN v.version_at ELSE a.registered_at END AS registered_from,
  a.account_kind = 'GUEST' AND t.program_kind IN ('LOYALTY', 'COMBINED') AS takes_part,
  least(m.open_until,
    CASE WHEN a.account_status = 'TERMINATED' OR a.merged_into_account_id IS NOT NULL THEN v.version_at ELSE 'infinity' END,
    CASE WHEN g.status IN ('DELETED', 'ANONYMIZED') THEN ${committed('g', unknownVersion(options))}
      ELSE 'infinity' END) AS open_until,
  coalesce(g.status IN ('DELETED', 'ANONYMIZED'), false) AS forgotten,
  CASE WHEN g.status IN ('DELETED', 'ANONYMIZED') THEN 'guest_deleted'
    WHEN a.merged_into_account_id IS NOT NULL THEN 'account_merged'
    WHEN a.account_status = 'TERMINATED' THEN 'account_terminated'
    WHEN m.closed THEN 'merchant_inactive' END AS doubt
FROM ${relations.from('loyalty.account')} a
JOIN expected_merchant m USING (merchant_id)
JOIN ${relations.from('loyalty.card_template')} t USING (merchant_id, card_template_code)
LEFT JOIN ${relations.from('loyalty.guest')} g USING (user_id)
CROSS JOIN LATERAL (SELECT ${committed('a', unknownVersion(options))}::timestamptz AS version_at) v
-- Exactly: an account may be closed, merged away or edited a moment after it was registered.
CROSS JOIN LATERAL (SELECT a.updated_at = a.registered_at AS registration_known,
  ${moved(options, 'loyalty.account', 'a', 'registered_at')} AS registration_moved) k`;
}

function header(options: ExpectedSqlOptions, committed: CommitTime): string {
  const { relations, span } = options;
  const rows =
    span === null
      ? 'true'
      : `t.posted_at < timestamptz '${span.to}' AND t.posted_at >= timestamptz '${span.from}' - ${REPEATED_WITHIN}
  AND (t.posted_at >= timestamptz '${span.from}' OR t.transaction_type = 'IDENTIFY_CUSTOMER')`;
  return `SELECT t.transaction_id, t.posted_at, t.merchant_id, t.account_id, t.store_id, t.transaction_type, t.modifier, t.result,
  t.origin, t.pos_transaction_id, t.check_id, t.is_training, t.import_batch_id, t.original_transaction_id,
  ${committed('t', 't.posted_at')} AS commit_at, ${known(options, 't')} AS commit_known,
  s.store_kind, coalesce(s.timezone, m.default_timezone) AS timezone,
  CASE WHEN p.in_window THEN p.pos_at ELSE t.posted_at END AS acted_at,
  coalesce(NOT p.in_window, false) AS clock_suspect, ${moved(options, 'txn.transaction', 't', 'posted_at')} AS moved
FROM ${relations.from('txn.transaction')} t
JOIN expected_merchant m USING (merchant_id)
LEFT JOIN ${relations.from('loyalty.store')} s USING (store_id)
CROSS JOIN LATERAL (SELECT c.pos_at, c.pos_at BETWEEN t.posted_at - interval '720 hours' AND t.posted_at + interval '5 minutes'
    AS in_window
  FROM (SELECT coalesce(t.pos_transaction_at, t.pos_local_datetime AT TIME ZONE s.timezone) AS pos_at) c) p
WHERE ${rows}`;
}

/** Headers that may imply a call: the guest's own act, at a real till or site, that stood when its transaction ended. */
function act({ relations }: ExpectedSqlOptions, committed: CommitTime): string {
  return `SELECT h.*, a.forgotten, ${doubts('a.doubt', 'h.moved')} AS doubt,
  coalesce(a.user_id IS NOT NULL AND a.registered_from <= h.commit_at, false) AS registered,
  a.registration_moved AND a.registered_at > h.commit_at AS registration_open
FROM expected_header h JOIN expected_account a USING (account_id)
WHERE h.result = 'AUTHORIZED' AND h.modifier = 'NONE' AND NOT h.is_training
  AND h.origin <> 'IMPORT' AND h.import_batch_id IS NULL AND h.store_kind IS DISTINCT FROM 'LAB'
  AND a.takes_part AND ${OPEN_AT('h')}
  AND NOT EXISTS (SELECT FROM ${relations.from('txn.transaction')} v WHERE v.original_transaction_id = h.transaction_id
    AND v.modifier IN ('VOID', 'REVERSE') AND v.result = 'AUTHORIZED' AND ${committed('v', 'v.posted_at')} = h.commit_at)`;
}

function posActivity(keys: ExpectedKeys): string {
  return `SELECT 'POS Activity' AS name, 'POS Activity' AS event, ${keys.messageId('transaction', 't', `'pos_activity'`)} AS message_id, merchant_id, account_id,
  'transaction' AS source, ${keys.order('transaction', 't')} AS key, 4 AS rank, 1 AS part, commit_at, commit_known,
  acted_at, posted_at AS row_at, clock_suspect, registered, NOT forgotten AS certain, doubt, commit_at AS changed_at
FROM expected_act t WHERE t.origin = 'POS'`;
}

function identifyCustomer(options: ExpectedSqlOptions, keys: ExpectedKeys): string {
  const committed = commitTime(options);
  return `SELECT p.name, 'Identify Customer', ${messageIdSql('t.merchant_id', 'p.slug', 'k.key')}, t.merchant_id, t.account_id,
  'transaction', ${keys.order('transaction', 't')}, 3, p.part, t.commit_at, t.commit_known, t.acted_at, t.posted_at, t.clock_suspect AND p.part = 1,
  t.registered, NOT t.forgotten, ${doubts('t.doubt', 'p.part = 0 AND t.registration_open')}, t.commit_at
FROM expected_act t
LEFT JOIN ${options.relations.from('txn.pos_check')} c ON c.check_id = t.check_id AND ${committed('c', `'-infinity'`)} <= t.commit_at
CROSS JOIN LATERAL (SELECT coalesce(${keys.text('store', 't')} || '-'
    || to_char(coalesce(c.business_date, (t.acted_at AT TIME ZONE t.timezone)::date), 'YYYYMMDD')
    || '-' || nullif(t.pos_transaction_id, '') || '-' || ${keys.text('account', 't')},
    ${keys.text('transaction', 't')}) AS key) k
CROSS JOIN (VALUES ('identify', 'identify', 0), ('Identify Customer', 'identify_customer', 1)) AS p(name, slug, part)
WHERE t.transaction_type = 'IDENTIFY_CUSTOMER' AND t.origin IN ('POS', 'ONLINE_ORDER') AND (p.part = 1 OR t.registered)`;
}

function addRedeem(options: ExpectedSqlOptions, keys: ExpectedKeys): string {
  const { relations } = options;
  const committed = commitTime(options);
  return `SELECT 'Add/Redeem', 'Add/Redeem', ${keys.messageId('transaction', 't', `'add_redeem'`)}, t.merchant_id, t.account_id,
  'transaction', ${keys.order('transaction', 't')}, 5, 1, t.commit_at, t.commit_known, t.acted_at, t.posted_at, t.clock_suspect, t.registered,
  NOT t.forgotten, t.doubt, t.commit_at
FROM expected_act t
WHERE t.transaction_type IN ('ADD_REDEEM', 'ACTIVATE')
  AND t.origin IN ('POS', 'ONLINE_ORDER', 'MOBILE_APP', 'GUEST_WEBSITE', 'PARTNER')
  AND EXISTS (SELECT FROM ${relations.from('txn.wallet_entry')} l
    JOIN ${relations.from('loyalty.wallet_definition')} d USING (merchant_id, wallet_code)
    WHERE l.transaction_id = t.transaction_id AND l.posted_at = t.posted_at AND ${committed('l', 'l.posted_at')} = t.commit_at
      AND l.entry_kind IN ('ACCRUED', 'REDEEMED') AND d.wallet_type IN ('POINT', 'REDEEM', 'MEMBER_REWARD'))`;
}

function registration(options: ExpectedSqlOptions, keys: ExpectedKeys): string {
  const { relations } = options;
  return `SELECT p.name, p.event, ${keys.messageId('account', 'a', 'p.slug', 'p.prefix')} AS message_id, a.merchant_id, a.account_id,
  'account' AS source, ${keys.order('account', 'a')} AS key, p.rank, p.part, a.registration_at AS commit_at, a.registration_known AS commit_known,
  a.registered_at AS acted_at, a.registered_at AS row_at, false AS clock_suspect, true AS registered, NOT a.forgotten AS certain,
  ${doubts('a.doubt', 'a.registration_moved')} AS doubt, a.last_change_at AS changed_at
FROM expected_account a
LEFT JOIN ${relations.from('loyalty.store')} s ON s.store_id = a.enrollment_store_id AND a.enrolled_at = a.registered_at
CROSS JOIN (VALUES ('identify', 'Loyalty Registration', 'identify', 'registration-', 0, 0),
  ('Loyalty Registration', 'Loyalty Registration', 'loyalty_registration', '', 0, 1),
  ('Web Registration', 'Web Registration', 'web_registration', '', 1, 1)) AS p(name, event, slug, prefix, rank, part)
WHERE a.user_id IS NOT NULL AND a.registered_at IS NOT NULL AND a.takes_part
  AND (a.registration_at < a.open_until OR a.registration_moved)
  AND ${within(options, 'a.registered_at')}
  AND a.registration_source IS DISTINCT FROM 'IMPORT' AND a.import_batch_id IS NULL AND s.store_kind IS DISTINCT FROM 'LAB'
  AND (p.event <> 'Web Registration' OR a.registration_source = 'GUEST_WEBSITE')
  AND NOT EXISTS (SELECT FROM expected_account b WHERE b.user_id = a.user_id AND b.account_id <> a.account_id
    AND (b.merchant_id, b.card_template_code) = (a.merchant_id, a.card_template_code)
    AND b.registration_source IS DISTINCT FROM 'IMPORT'
    AND (b.registered_at, ${keys.order('account', 'b')}) < (a.registered_at, ${keys.order('account', 'a')})
    AND (b.registration_at <= a.registration_at OR NOT (a.registration_known AND b.registration_known)))
  AND NOT EXISTS (SELECT FROM expected_account l WHERE l.merged_into_account_id = a.account_id
    AND l.last_change_at <= a.registration_at)`;
}

// A check-in used at the till changes without being a second one.
function checkIn(options: ExpectedSqlOptions, keys: ExpectedKeys): string {
  const { relations } = options;
  const committed = commitTime(options);
  const version = committed('c', 'c.checkin_time');
  const unchanged =
    options.everyColumn === true
      ? 'c.consumed_transaction_id IS NULL'
      : `${version} - c.checkin_time < ${LATER_EDIT}`;
  return `SELECT 'Check-In', 'Check-In', ${keys.messageId('checkin', 'c', `'check_in'`)}, c.merchant_id, c.account_id, 'checkin',
  ${keys.order('checkin', 'c')}, 2, 1, v.commit_at, v.commit_known, c.checkin_time, c.checkin_time, false,
  coalesce(a.user_id IS NOT NULL AND a.registered_from <= v.commit_at, false), NOT a.forgotten,
  ${doubts('a.doubt', moved(options, 'loyalty.checkin', 'c', 'checkin_time'))}, v.version_at
FROM ${relations.from('loyalty.checkin')} c JOIN expected_account a USING (account_id)
LEFT JOIN ${relations.from('loyalty.store')} s USING (store_id)
CROSS JOIN LATERAL (SELECT ${known(options, 'c')} AND ${unchanged} AS commit_known, ${version} AS version_at,
  CASE WHEN ${unchanged} THEN ${version} ELSE c.checkin_time END AS commit_at) v
WHERE a.takes_part AND (v.commit_at < a.open_until OR NOT ${known(options, 'c')}) AND s.store_kind IS DISTINCT FROM 'LAB'
  AND ${within(options, 'c.checkin_time')}`;
}

// Refunded or charged back later, it was Succeeded before: sent. Together with its credit, it never stood: not sent.
function recharge(options: ExpectedSqlOptions, keys: ExpectedKeys): string {
  const { relations } = options;
  const committed = commitTime(options);
  return `SELECT 'Recharge Value', 'Recharge Value', ${keys.messageId('recharge', 'r', `'recharge_value'`)}, r.merchant_id,
  r.account_id, 'recharge', ${keys.order('recharge', 'r')}, 6, 1, w.commit_at, w.known, r.completed_at, coalesce(r.completed_at, w.commit_at), false,
  coalesce(a.user_id IS NOT NULL AND a.registered_from <= w.commit_at, false), NOT a.forgotten,
  ${doubts(`coalesce(a.doubt, CASE WHEN r.transaction_state <> 'Succeeded' THEN 'row_changed' END)`, moved(options, 'txn.recharge', 'r', 'completed_at'))}, v.version_at
FROM ${relations.from('txn.recharge')} r JOIN expected_account a USING (account_id)
LEFT JOIN ${relations.from('loyalty.store')} s USING (store_id)
LEFT JOIN ${relations.from('loyalty.wallet_definition')} d ON d.merchant_id = r.merchant_id AND d.wallet_code = r.wallet_code
LEFT JOIN LATERAL (SELECT t.posted_at, t.transaction_type, ${committed('t', 't.posted_at')} AS commit_at
  FROM ${relations.from('txn.transaction')} t WHERE t.account_id = r.account_id AND t.transaction_id = r.transaction_id) h ON true
CROSS JOIN LATERAL (SELECT ${committed('r', unknownEdit('r.completed_at', `r.transaction_state = 'Succeeded'`))} AS version_at) v
CROSS JOIN LATERAL (SELECT
  CASE WHEN h.commit_at = v.version_at OR h.posted_at = r.completed_at
      THEN h.commit_at
    WHEN r.transaction_state = 'Succeeded' AND v.version_at - r.completed_at < ${LATER_EDIT} THEN v.version_at
    ELSE coalesce(r.completed_at, v.version_at) END AS commit_at,
  coalesce(h.commit_at = v.version_at, false)
    OR coalesce(h.posted_at = r.completed_at, false)
    OR coalesce(r.transaction_state = 'Succeeded' AND v.version_at - r.completed_at < ${LATER_EDIT}, false) AS known) w
WHERE a.takes_part AND w.commit_at < a.open_until AND s.store_kind IS DISTINCT FROM 'LAB'
  AND d.wallet_type IS DISTINCT FROM 'COMP' AND r.payment_type <> 'COMP'
  AND ${within(options, 'coalesce(r.completed_at, w.commit_at)')}
  AND NOT coalesce(h.transaction_type IN ('ACTIVATE', 'ACTIVATE_ADD') AND h.commit_at = w.commit_at, false)
  AND (r.transaction_state = 'Succeeded' OR (r.transaction_state IN ('Refunded', 'Chargeback') AND r.completed_at IS NOT NULL
    AND CASE WHEN h.commit_at IS NULL THEN v.version_at - r.completed_at > ${LATER_EDIT} ELSE h.commit_at < v.version_at END))`;
}

// A row that is no longer SENT was inserted so if it moved on clearly later than it was made.
function referral(options: ExpectedSqlOptions, keys: ExpectedKeys): string {
  const { relations } = options;
  const committed = commitTime(options);
  return `SELECT 'Referral', 'Referral', ${keys.messageId('referral', 'r', `'referral'`)}, r.merchant_id, r.referrer_account_id,
  'referral', ${keys.order('referral', 'r')}, 7, 1, w.commit_at, r.status = 'SENT', r.created_at, r.created_at, false,
  coalesce(a.user_id IS NOT NULL AND a.registered_from <= w.commit_at, false),
  NOT a.forgotten AND (r.status = 'SENT' OR v.version_at - r.created_at > ${LATER_EDIT}),
  ${doubts(`coalesce(a.doubt, CASE WHEN r.status <> 'SENT' THEN 'row_changed' END)`, moved(options, 'loyalty.referral', 'r', 'created_at'))}, v.version_at
FROM ${relations.from('loyalty.referral')} r JOIN expected_account a ON a.account_id = r.referrer_account_id
CROSS JOIN LATERAL (SELECT ${committed('r', unknownEdit('r.created_at', `r.status = 'SENT'`))} AS version_at) v
CROSS JOIN LATERAL (SELECT CASE WHEN r.status = 'SENT' THEN v.version_at ELSE r.created_at END AS commit_at) w
WHERE a.takes_part AND w.commit_at < a.open_until AND r.referred_account_id IS DISTINCT FROM r.referrer_account_id
  AND ${within(options, 'r.created_at')}
  AND NOT EXISTS (SELECT FROM expected_account f WHERE f.account_id = r.referred_account_id AND f.user_id = a.user_id)
  AND (r.status = 'SENT' OR v.version_at - r.created_at > ${LONGEST_INSERT})`;
}

// Guests without an account answer surveys too: then only the merchant's gate can be judged.
function survey(options: ExpectedSqlOptions, keys: ExpectedKeys): string {
  const { relations } = options;
  const committed = commitTime(options);
  return `SELECT 'Survey Completion', 'Survey Completion', ${keys.messageId('response', 'r', `'survey_completion'`)},
  r.merchant_id, r.account_id, 'survey_response', ${keys.order('response', 'r')}, 8, 1, w.commit_at, w.known, r.completed_at,
  coalesce(r.completed_at, w.commit_at), false,
  coalesce(a.user_id IS NOT NULL AND a.registered_from <= w.commit_at, false),
  NOT coalesce(a.forgotten, false) AND r.status = 'COMPLETED',
  ${doubts(`coalesce(a.doubt, CASE WHEN m.closed THEN 'merchant_inactive' WHEN r.status <> 'COMPLETED' THEN 'row_changed' END)`, moved(options, 'survey.response', 'r', 'completed_at'))}, v.version_at
FROM ${relations.from('survey.response')} r
JOIN expected_merchant m ON m.merchant_id = r.merchant_id
LEFT JOIN expected_account a ON a.account_id = r.account_id
LEFT JOIN ${relations.from('survey.invitation')} i USING (invitation_id)
LEFT JOIN ${relations.from('loyalty.store')} s ON s.store_id = coalesce(r.store_id, i.store_id)
CROSS JOIN LATERAL (SELECT ${committed('r', unknownEdit('r.completed_at', `r.status = 'COMPLETED'`))} AS version_at) v
CROSS JOIN LATERAL (SELECT CASE WHEN v.version_at - r.completed_at < ${LATER_EDIT} THEN v.version_at
    ELSE coalesce(r.completed_at, v.version_at) END AS commit_at,
  coalesce(v.version_at - r.completed_at < ${LATER_EDIT}, false) AS known) w
WHERE (r.status = 'COMPLETED' OR (r.completed_at IS NOT NULL AND v.version_at - r.completed_at > ${LATER_EDIT}))
  AND w.commit_at < m.open_until AND s.store_kind IS DISTINCT FROM 'LAB'
  AND ${within(options, 'coalesce(r.completed_at, w.commit_at)')}
  AND (r.account_id IS NULL OR (a.takes_part AND w.commit_at < a.open_until))`;
}
