import { ORACLE_SQL } from './oracle.sql.js';

/** Names as Segment shows them; `identify` is Segment's identify call. */
export type ExpectedName =
  | 'Loyalty Registration'
  | 'Web Registration'
  | 'Check-In'
  | 'Identify Customer'
  | 'POS Activity'
  | 'Add/Redeem'
  | 'Recharge Value'
  | 'Referral'
  | 'Survey Completion'
  | 'identify';

export interface ExpectedWallet {
  readonly walletCode: string;
  /** Decimal text without trailing zeros. */
  readonly balance: string;
  /** The tables cannot tell whether the wallet was there already. */
  readonly mayBeAbsent: boolean;
}

/** One call the committed rows imply, once per message id. */
export interface ExpectedCall {
  readonly name: ExpectedName;
  readonly messageId: string;
  /** `<merchant_id>:<account_id>`, or `<merchant_id>:<table>:<primary key>` without an account: what order is kept by. */
  readonly accountKey: string;
  readonly accountId: string | null;
  /** Rows that imply it: a till that identifies the same guest four times during a check writes four. */
  readonly rows: number;
  /** Commit of the first row that implies it, milliseconds since 1970 with microseconds as fraction; null unknown. */
  readonly commitAtMs: number | null;
  /** False: the row changed since, so order, latency and balances cannot be judged from the tables. */
  readonly commitKnown: boolean;
  /** False: it may rightly be missing (the guest was forgotten afterwards, or the tables no longer tell). */
  readonly certain: boolean;
  /** Milliseconds since 1970, null when the row has no time. */
  readonly timestampMs: number | null;
  readonly clockSuspect: boolean;
  readonly registered: boolean;
  /** Guest-visible wallets in order; null where they cannot be judged or the call has none. */
  readonly wallets: readonly ExpectedWallet[] | null;
}

export interface OracleSettings {
  /** Only what was committed after it, as timestamptz text. Default: everything. */
  readonly since?: string;
  /** Default true. */
  readonly identify?: boolean;
  /** Default: all merchants. */
  readonly merchantId?: number;
  /** Default: all nine. */
  readonly events?: readonly ExpectedName[];
  /** The writer promises that accounts have all their wallets from their first commit on. Default false. */
  readonly walletsFromEnrolment?: boolean;
}

/** A connection of node-postgres: the oracle needs one session for its temporary tables. */
export interface OracleConnection {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

interface CallRow {
  readonly name: ExpectedName;
  readonly message_id: string;
  readonly merchant_id: number;
  readonly account_id: string | null;
  readonly source: string;
  readonly key: string;
  readonly rows: number;
  readonly commit_at_ms: number | null;
  readonly commit_known: boolean;
  readonly timestamp_ms: number | null;
  readonly clock_suspect: boolean;
  readonly registered: boolean;
  readonly certain: boolean;
  readonly wallets: readonly ExpectedWallet[] | null;
}

/**
 * Works out, in SQL and from the committed tables alone, every call that should have been sent, in the order promised:
 * by account, then commit, then rank. The server needs `track_commit_timestamp = on` since before the first commit
 * that is asked for. Accounts' commits must not have overlapped: commit times order them exactly only then.
 */
export async function expectedCalls(
  connection: OracleConnection,
  settings: OracleSettings = {},
): Promise<ExpectedCall[]> {
  await connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  try {
    await connection.query(`SET LOCAL TimeZone = 'UTC'`);
    await connection.query('SET LOCAL statement_timeout = 0');
    for (const statement of ORACLE_SQL.prepare) await connection.query(statement);
    await connection.query(ORACLE_SQL.select, [
      settings.since ?? null,
      settings.identify ?? true,
      settings.merchantId ?? null,
      settings.events === undefined ? null : [...settings.events],
    ]);
    await connection.query('ANALYZE oracle_call');
    const { rows } = await connection.query(ORACLE_SQL.read);
    return rows.map((row) => expectedCall(row as unknown as CallRow, settings.walletsFromEnrolment ?? false));
  } finally {
    // Nothing was written but temporary tables.
    await connection.query('ROLLBACK');
  }
}

function expectedCall(row: CallRow, walletsFromEnrolment: boolean): ExpectedCall {
  return {
    name: row.name,
    messageId: row.message_id,
    accountKey: `${row.merchant_id}:${row.account_id ?? `${row.source}:${row.key}`}`,
    accountId: row.account_id,
    rows: row.rows,
    commitAtMs: row.commit_at_ms,
    commitKnown: row.commit_known,
    certain: row.certain,
    timestampMs: row.timestamp_ms,
    clockSuspect: row.clock_suspect,
    registered: row.registered,
    wallets:
      (row.wallets ?? null)?.map((wallet) =>
        walletsFromEnrolment ? { ...wallet, mayBeAbsent: false } : wallet,
      ) ?? null,
  };
}
