import { REFERENCE_MAPPING } from '../mapping/reference.js';
import { expectedRelations, impliedSql, type ExpectedSqlOptions } from '../reconcile/expected.sql.js';

/**
 * What the demo and the tests hold against what arrived: the expectations that `reconcile` works with, over every row,
 * and beside them the order of the calls and the balances each must show. Run in order inside one REPEATABLE READ
 * transaction with TimeZone UTC; the temporary tables go with it.
 */

const EVERY_ROW: ExpectedSqlOptions = {
  relations: REFERENCE_MAPPING.relations,
  tracked: true,
  span: null,
  everyColumn: true,
};

function temporaryTable(name: string, query: string): string {
  return `CREATE TEMP TABLE ${name} ON COMMIT DROP AS ${query}`;
}

const EXPECTED = expectedRelations(EVERY_ROW).flatMap(({ name, query, indexes }) => [
  temporaryTable(name, query),
  ...indexes.map((column) => `CREATE INDEX ON ${name} (${column})`),
  `ANALYZE ${name}`,
]);

// Where rows of one commit touch a wallet several times, the command that wrote them orders them.
const LINE = temporaryTable(
  'oracle_line',
  `SELECT e.account_id, e.wallet_code, coalesce(pg_xact_commit_timestamp(e.xmin), '-infinity') AS commit_at,
  e.cmin::text::bigint AS command, e.posted_at, e.transaction_id, e.entry_no, e.merchant_id, e.entry_kind, e.balance_after,
  CASE WHEN e.entry_kind IN ('REDEEMED', 'EXPIRED', 'TRANSFERRED_OUT') THEN -e.quantity ELSE e.quantity END AS change
FROM txn.wallet_entry e`,
);

const LINE_INDEXES = [
  'CREATE INDEX ON oracle_line (account_id, wallet_code, commit_at, command, transaction_id, entry_no)',
  'ANALYZE oracle_line',
];

/** $1 since (timestamptz or null), $2 identify, $3 merchant_id or null, $4 enabled events (text[]) or null. */
const CALLS = temporaryTable(
  'oracle_call',
  `SELECT n.*, row_number() OVER (ORDER BY merchant_id, account_id, commit_at, rank, key, part) AS place FROM (
  SELECT i.*, count(*) OVER (PARTITION BY message_id) AS rows,
    bool_and(i.certain) OVER (PARTITION BY message_id) AS all_certain,
    row_number() OVER (PARTITION BY message_id ORDER BY commit_at, rank, key, part) AS nth
  FROM oracle_implied i
  WHERE ($1::timestamptz IS NULL OR i.commit_at > $1) AND ($2::boolean OR i.name <> 'identify')
    AND ($3::int IS NULL OR i.merchant_id = $3) AND ($4::text[] IS NULL OR i.event = ANY($4))
) n WHERE nth = 1`,
);

/**
 * The calls with the balances each must show: of a wallet's last ledger line committed by then, else the first later
 * line undone, else the wallet itself.
 */
const CALLS_WITH_WALLETS = `
SELECT c.name, c.message_id, c.merchant_id, c.account_id::text, c.source, c.key::text, c.rows::int,
  (extract(epoch FROM CASE WHEN isfinite(c.commit_at) THEN c.commit_at END) * 1000)::float8 AS commit_at_ms, c.commit_known,
  floor(extract(epoch FROM c.acted_at) * 1000)::float8 AS timestamp_ms, c.clock_suspect, c.registered, c.all_certain AS certain,
  w.wallets
FROM oracle_call c
LEFT JOIN LATERAL (
  SELECT json_agg(json_build_object('walletCode', b.wallet_code::text, 'balance', trim_scale(b.balance)::text,
    'mayBeAbsent', b.may_be_absent) ORDER BY b.sort_order, b.wallet_code) AS wallets
  FROM (
    SELECT w.wallet_code, d.sort_order, coalesce(past.balance_after, next.balance_before, w.balance) AS balance,
      past.balance_after IS NULL AND coalesce(pg_xact_commit_timestamp(w.xmin) > c.commit_at, false) AS may_be_absent
    FROM loyalty.account_wallet w
    JOIN loyalty.wallet_definition d USING (merchant_id, wallet_code)
    LEFT JOIN LATERAL (SELECT l.balance_after FROM oracle_line l
      WHERE l.account_id = w.account_id AND l.wallet_code = w.wallet_code AND l.commit_at <= c.commit_at
      ORDER BY l.commit_at DESC, l.command DESC, l.transaction_id DESC, l.entry_no DESC LIMIT 1) past ON true
    LEFT JOIN LATERAL (SELECT l.balance_after - l.change AS balance_before FROM oracle_line l
      WHERE l.account_id = w.account_id AND l.wallet_code = w.wallet_code AND l.commit_at > c.commit_at
      ORDER BY l.commit_at, l.command, l.transaction_id, l.entry_no LIMIT 1) next ON past.balance_after IS NULL
    WHERE w.account_id = c.account_id AND d.guest_visible
  ) b
) w ON c.commit_known AND c.name <> 'identify' AND c.account_id IS NOT NULL
ORDER BY c.place`;

export const ORACLE_SQL = {
  /** Without parameters, in order. */
  prepare: [...EXPECTED, LINE, ...LINE_INDEXES, temporaryTable('oracle_implied', impliedSql(EVERY_ROW))],
  select: CALLS,
  read: CALLS_WITH_WALLETS,
} as const;
