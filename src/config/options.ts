import {
  bytes,
  duration,
  eventListOf,
  instant,
  integer,
  matching,
  merchantList,
  onOff,
  oneOf,
  origin,
  pem,
  privacyRulesOf,
  secret,
  secretUrl,
  tableColumn,
  traitList,
  walletScope,
} from './checks.js';
import { NO_CUSTOM_NAMES } from './custom-names.js';
import { option, type OptionSpec } from './option.js';

const KIB = 1024;
const MIB = 1024 ** 2;
const HOUR_MS = 3_600_000;

/** The one table of options: parsing, `did you mean` and the README's table are made from it. */
export const OPTIONS = {
  DATABASE_URL: option({
    group: 'PostgreSQL',
    doc: 'The loyalty database: the primary, as a role that may replicate and read the published tables.',
    check: secretUrl(['postgres:', 'postgresql:'], 'postgresql://connector:secret@db.internal:5432/loyalty'),
    secret: true,
    file: 'also',
  }),
  DATABASE_TLS_MODE: option({
    group: 'PostgreSQL',
    doc: '`require` encrypts, `verify-full` also checks the certificate and the host name. Unset: as `sslmode` of the URL says, else `disable`.',
    check: oneOf(['disable', 'require', 'verify-full']),
  }),
  DATABASE_TLS_CA_FILE: option({
    group: 'PostgreSQL',
    doc: 'Certificate authorities to trust instead of the system’s.',
    check: pem,
    file: 'only',
  }),
  DATABASE_TLS_CERT_FILE: option({
    group: 'PostgreSQL',
    doc: 'Client certificate.',
    check: pem,
    file: 'only',
  }),
  DATABASE_TLS_KEY_FILE: option({
    group: 'PostgreSQL',
    doc: 'Key of the client certificate.',
    check: pem,
    secret: true,
    file: 'only',
  }),
  SLOT_NAME: option({
    group: 'PostgreSQL',
    doc: 'The logical replication slot: also the lease, only one capture process can hold it.',
    check: matching(/^[a-z0-9_]{1,56}$/, '1 to 56 of a–z, 0–9 and _'),
    default: 'paytronix_segment',
  }),
  PUBLICATION_NAME: option({
    group: 'PostgreSQL',
    doc: 'The publication `setup` makes and capture reads.',
    check: matching(/^[a-z_][a-z0-9_]{0,62}$/, '1 to 63 of a–z, 0–9 and _, not a digit first'),
    default: 'paytronix_segment',
  }),

  REDIS_URL: option({
    group: 'Redis',
    doc: 'Redis 6.2 or newer, or Valkey, with AOF and `noeviction`; `rediss://` for TLS. With Sentinel: `redis://s1:26379/0?sentinel_master=<name>&sentinels=s2:26379,s3:26379`.',
    check: secretUrl(['redis:', 'rediss:'], 'redis://redis.internal:6379/0'),
    secret: true,
    file: 'also',
  }),
  REDIS_TLS_CA_FILE: option({
    group: 'Redis',
    doc: 'Certificate authorities to trust instead of the system’s; needs `rediss://`.',
    check: pem,
    file: 'only',
  }),
  REDIS_TLS_CERT_FILE: option({ group: 'Redis', doc: 'Client certificate.', check: pem, file: 'only' }),
  REDIS_TLS_KEY_FILE: option({
    group: 'Redis',
    doc: 'Key of the client certificate.',
    check: pem,
    secret: true,
    file: 'only',
  }),
  QUEUE_PREFIX: option({
    group: 'Redis',
    doc: 'Prefix of every key, so that several connectors can share one Redis.',
    check: matching(/^[a-z0-9_-]{1,40}$/, '1 to 40 of a–z, 0–9, _ and -'),
    default: 'paytronix',
  }),
  QUEUE_BUDGET: option({
    group: 'Redis',
    doc: 'Compressed bytes that may wait in Redis. Several sources share it equally, but for those that set one of their own. One past its share is parked while others are not: capture goes on without it, and what it misses is queued when it has room. Where none has room capture waits, and the WAL is the buffer.',
    check: bytes(64 * KIB, 1024 * 1024 * MIB),
    default: '1GiB',
  }),

  SEGMENT_WRITE_KEY: option({
    group: 'Segment',
    doc: 'Write key of the Segment source.',
    check: secret(/^[\x21-\x39\x3b-\x7e]{1,256}$/, 'the write key alone, without blanks or colons'),
    secret: true,
    file: 'also',
  }),
  SEGMENT_HOST: option({
    group: 'Segment',
    doc: 'Where the source’s region takes events; EU workspaces: `https://events.eu1.segmentapis.com` (the US host answers 200 to their data and drops it).',
    check: origin,
    default: 'https://api.segment.io',
  }),
  SEGMENT_CLIENT: option({
    group: 'Segment',
    doc: '`batch` posts to the batch API itself; `sdk` goes through @segment/analytics-node (always used with OAuth). Unset: `batch`, with OAuth `sdk`.',
    check: oneOf(['batch', 'sdk']),
  }),
  SEGMENT_OAUTH_CLIENT_ID: option({
    group: 'Segment',
    doc: 'OAuth application of a source that requires it; needs the key and the key id too.',
    check: matching(/^[\x21-\x7e]{1,200}$/, 'the client id, without blanks'),
  }),
  SEGMENT_OAUTH_KEY_ID: option({
    group: 'Segment',
    doc: 'Id of the OAuth application’s public key.',
    check: matching(/^[\x21-\x7e]{1,200}$/, 'the key id, without blanks'),
  }),
  SEGMENT_OAUTH_KEY_FILE: option({
    group: 'Segment',
    doc: 'Private key of the OAuth application.',
    check: pem,
    secret: true,
    file: 'only',
  }),
  SEGMENT_OAUTH_SERVER: option({
    group: 'Segment',
    doc: 'Authorization server, when it is not Segment’s default.',
    check: origin,
  }),
  SEGMENT_OAUTH_SCOPE: option({
    group: 'Segment',
    doc: 'Scope asked for, when it is not Segment’s default.',
    check: matching(/^[\x21-\x7e]{1,200}$/, 'a scope, without blanks'),
  }),
  RATE_LIMIT_PER_SECOND: option({
    group: 'Segment',
    doc: 'Events (not requests) a second, shared by every deliver process. Segment documents 1,000 a workspace.',
    check: integer(1, 100_000),
    default: '1000',
  }),
  RATE_LIMIT_GROUP: option({
    group: 'Segment',
    doc: 'Sources of one group share the limit, and a pause that Segment asks for: the ceiling is the workspace’s. Unset: each source has its own.',
    check: matching(/^[a-z0-9_-]{1,40}$/, '1 to 40 of a–z, 0–9, _ and -'),
  }),
  LANES: option({
    group: 'Segment',
    doc: 'Ordered queues side by side, accounts spread over them. More than one only where Segment contracted a higher rate.',
    check: integer(1, 64),
    default: '1',
  }),
  REQUEST_TIMEOUT: option({
    group: 'Segment',
    doc: 'How long a request to Segment may take before it is sent again.',
    check: duration(100, 300_000),
    default: '15s',
  }),

  PAUSED: option({
    group: 'Segment',
    doc: 'Nothing is delivered to the source while it is on; what is captured waits. `paytronix-segment pause` does the same to one that runs.',
    check: onOff,
    default: 'off',
  }),

  MERCHANT_ID: option({
    group: 'What is sent',
    doc: 'Only the events of this merchant, or of these. Unset or `*`: every merchant’s. Without a file the one source is named `merchant-<id>` where it takes one, else `default`.',
    check: merchantList,
  }),
  EVENTS: option({
    group: 'What is sent',
    doc: 'Track events to send, for instance `pos_activity, Check-In`. `all`: the nine, and every custom event; a list has those that it names and no other.',
    check: eventListOf(NO_CUSTOM_NAMES),
    checkWith: eventListOf,
    default: 'all',
  }),
  IDENTIFY: option({
    group: 'What is sent',
    doc: 'Send an identify call before a registered guest’s registration and identification.',
    check: onOff,
    default: 'on',
  }),
  TRAITS: option({
    group: 'What is sent',
    doc: 'Traits of a guest to add to identify calls: `email`, `phone`. Without this they are neither sent nor published; after a change run `setup`.',
    check: traitList,
  }),
  USER_ID: option({
    group: 'What is sent',
    doc: 'What a registered guest is called in Segment.',
    check: oneOf(['account_id', 'user_id', 'printed_card_number', 'external_account_code']),
    default: 'account_id',
  }),
  USER_ID_PREFIX: option({
    group: 'What is sent',
    doc: 'Put before every userId, for instance `px-`.',
    check: matching(/^[\x21-\x7e]{1,40}$/, '1 to 40 printable ASCII characters, no blanks'),
  }),
  CARD_NUMBER: option({
    group: 'What is sent',
    doc: 'How `printed_card_number` leaves: whole, its last 6 characters (never more than half of it), or a keyed hash. A whole number can spend stored value.',
    check: oneOf(['FULL', 'MASKED', 'HASHED']),
    default: 'FULL',
  }),
  CARD_NUMBER_HASH_KEY: option({
    group: 'What is sent',
    doc: 'Key of the hash; needed by `CARD_NUMBER=HASHED`. Another key makes other numbers of the same cards.',
    check: secret(/^.{16,512}$/, '16 to 512 characters'),
    secret: true,
    file: 'also',
  }),
  WALLETS: option({
    group: 'What is sent',
    doc: 'Wallets that events show: in `wallets_info`, `flat_wallets_info`, `all_wallets_info`, and by name in Add/Redeem. `all`, `visible` (those that guests see), or a comma list of wallet codes. Sums of points count every wallet, and no event fires less.',
    check: walletScope,
    default: 'all',
  }),
  PRIVACY: option({
    group: 'What is sent',
    doc: 'What is done to properties and traits before they leave, for instance `last_name=mask, store_postal_code=truncate:3, check_number=hash`. `drop` sends null; the names stay. Custom events’ properties of that name are dealt with, too.',
    check: privacyRulesOf(NO_CUSTOM_NAMES),
    checkWith: privacyRulesOf,
    pairs: true,
  }),
  PRIVACY_HASH_KEY: option({
    group: 'What is sent',
    doc: 'Key of the hashes in `PRIVACY`; needed by `=hash`. Another key makes other hashes of the same values.',
    check: secret(/^.{16,512}$/, '16 to 512 characters'),
    secret: true,
    file: 'also',
  }),
  EMIT_VOIDS: option({
    group: 'What is sent',
    doc: 'Send POS Activity with `is_void: true` for voids and reversals committed after the original.',
    check: onOff,
    default: 'off',
  }),
  SURVEY_ANSWERS: option({
    group: 'What is sent',
    doc: 'Add the answers (choices and numbers, never free text) to Survey Completion.',
    check: onOff,
    default: 'off',
  }),
  ENABLED_FROM: option({
    group: 'What is sent',
    doc: 'Commits up to this time are not sent. Unset: from the creation of the slot.',
    check: instant,
  }),

  SUPPRESSION_FILE: option({
    group: 'Suppression list',
    doc: 'A file with the guests of whom nothing may be sent: a guest id (`user_id`) a line, `#` begins a comment. Read at the start and whenever it changes.',
    check: matching(/^[^\0]{1,1000}$/, 'a path'),
    file: 'path',
  }),
  SUPPRESSION_TABLE: option({
    group: 'Suppression list',
    doc: 'The same from a column of the loyalty database, of any type; beside the file, or instead of it. Read by capture, which hands the list to deliver processes through Redis.',
    check: tableColumn,
  }),
  SUPPRESSION_TABLE_REFRESH: option({
    group: 'Suppression list',
    doc: 'How often the column is read.',
    check: duration(1_000, HOUR_MS),
    default: '60s',
  }),

  TRANSACTION_MEMORY: option({
    group: 'Capture',
    doc: 'Rows of a transaction held in memory; what is beyond goes to SPILL_DIR.',
    check: bytes(MIB, 4096 * MIB),
    default: '64MiB',
  }),
  SPILL_DIR: option({
    group: 'Capture',
    doc: 'Directory for the rows of large transactions (files of mode 0600, removed at commit and at start). Unset: `paytronix-segment` in the system’s temporary directory.',
    check: matching(/^\/.+/, 'an absolute path'),
  }),
  CACHE_ACCOUNTS: option({
    group: 'Capture',
    doc: 'Accounts kept in memory with their guest, cards and wallets; others are read again when needed.',
    check: integer(1000, 10_000_000),
    default: '50000',
  }),
  REPLAY_RETENTION: option({
    group: 'Capture',
    doc: 'How far back a replay can go: the slot `<SLOT_NAME>_replay` keeps the WAL of this long, and of whatever is not delivered. 0s: only the latter.',
    check: duration(0, 168 * HOUR_MS),
    default: '6h',
  }),
  REPLAY_MAX_WAL: option({
    group: 'Capture',
    doc: 'Most WAL the replay slot may keep on the server. The window is shortened below it; a slot that cannot follow is dropped, with an alarm.',
    check: bytes(64 * MIB, 1024 * 1024 * MIB),
    default: '4GiB',
  }),

  CONFIG_FILE: option({
    group: 'Process',
    doc: 'A `connector.yaml` with these options and with several Segment sources; a variable that is set wins over it. Options of a source under `sources` win over both.',
    check: matching(/^[^\0]{1,1000}$/, 'a path'),
  }),
  HTTP_HOST: option({
    group: 'Process',
    doc: 'Address of `/livez`, `/readyz` and `/metrics`. In a container: `0.0.0.0`.',
    check: matching(/^[0-9A-Za-z.:_-]{1,253}$/, 'an address or a host name'),
    default: '127.0.0.1',
  }),
  HTTP_PORT: option({
    group: 'Process',
    doc: 'Its port; 0 takes any free one and logs it.',
    check: integer(0, 65_535),
    default: '8080',
  }),
  LOG_LEVEL: option({
    group: 'Process',
    doc: 'Least severe level that is logged, one JSON object a line.',
    check: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
    default: 'info',
  }),
  SHUTDOWN_GRACE: option({
    group: 'Process',
    doc: 'How long the first SIGTERM or SIGINT may drain; then the process ends as if killed, and the next start resumes. Keep it below the platform’s own limit.',
    check: duration(0, HOUR_MS),
    default: '25s',
  }),
} satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof OPTIONS;
export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

/** What a source of `connector.yaml` may set for itself. */
export const SOURCE_OPTION_NAMES = OPTION_NAMES.filter((name) => {
  const { group }: OptionSpec = OPTIONS[name];
  return group === 'Segment' || group === 'What is sent' || name === 'QUEUE_BUDGET';
});

type ValueOf<S> = S extends OptionSpec<infer T> ? T : never;
type HasDefault<S> = S extends { readonly default: string } ? true : false;

/** Every option's value after defaults; null where it is unset and has none. */
export type OptionValues = {
  readonly [N in OptionName]: HasDefault<(typeof OPTIONS)[N]> extends true
    ? ValueOf<(typeof OPTIONS)[N]>
    : ValueOf<(typeof OPTIONS)[N]> | null;
};
