import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { systemClock } from '../lifecycle/clock.js';

const PREFIX = 'paytronix_segment_';
/** From a healthy pipeline's milliseconds to a day behind. */
const LAG_BUCKETS_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 86_400,
];

/** `pg_replication_slots.wal_status`, and `none` where there is no slot. */
export const WAL_STATUSES = ['reserved', 'extended', 'unreserved', 'lost', 'none'] as const;
export type WalStatus = (typeof WAL_STATUSES)[number];

export interface MetricsOptions {
  /** Process metrics (CPU, memory, event loop) too. Default true. */
  readonly process?: boolean;
  /** A value read on scrape that takes longer keeps its last value. Default 2,000. */
  readonly readTimeoutMs?: number;
}

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * The connector's metrics, in a registry of their own, so that several connectors in one process do not mix.
 * Every series: https://prometheus.io/docs/practices/naming (base units in the name, `_total` for counters).
 */
export function createMetrics(options: MetricsOptions = {}) {
  const registry = new Registry();
  const registers = [registry];
  if (options.process ?? true) collectDefaultMetrics({ register: registry });

  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: PREFIX + name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: PREFIX + name, help, labelNames, registers });
  const lag = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Histogram({ name: PREFIX + name, help, labelNames, registers, buckets: LAG_BUCKETS_SECONDS });

  const walStatus = gauge(
    'slot_wal_status',
    'State of the replication slot: 1 for the state it is in. lost: rows are gone.',
    ['status'],
  );
  const reads: (() => Promise<void>)[] = [];

  return {
    commitToReceived: lag('commit_to_received_seconds', 'From the commit in PostgreSQL to its arrival here.'),
    receivedToQueued: lag(
      'received_to_queued_seconds',
      'From the arrival of a commit to its calls being in Redis.',
      ['source'],
    ),
    queuedToDelivered: lag(
      'queued_to_delivered_seconds',
      'From a job being in Redis to Segment having accepted its calls.',
      ['source'],
    ),

    transactions: counter('transactions_total', 'Committed transactions received.'),
    rows: counter('rows_total', 'Changed rows received.'),
    receivedBytes: counter('received_bytes_total', 'Bytes of replication messages received.'),
    spilledBytes: counter(
      'spilled_bytes_total',
      'Bytes of large transactions written to the spill directory.',
    ),
    events: counter(
      'events_total',
      'Calls by event and outcome (derived, queued, delivered, rejected by its schema, suppressed with its guest, dead_lettered).',
      ['source', 'event', 'outcome'],
    ),
    unroutedMerchants: gauge(
      'unrouted_merchants',
      'Merchants seen since the start whose rows would be events and that no source takes.',
    ),
    unknownCodes: counter(
      'unknown_codes_total',
      'Values read for a column of a mapped record that are none of its words, so that they decide nothing.',
      ['record', 'column'],
    ),
    unknownAccounts: counter(
      'unknown_accounts_total',
      'Rows that would be an event of an account that there is no record of; nothing is sent of them.',
      ['source', 'event'],
    ),
    lookups: counter('lookups_total', 'Batched reads of a table on first sight of rows.', ['table']),
    unreadableNumbers: counter('unreadable_numbers_total', 'NaN and infinite amounts sent as null.'),

    slotActive: gauge('slot_active', '1 while a process streams from the slot.'),
    slotSafeWalBytes: gauge(
      'slot_safe_wal_size_bytes',
      'WAL that may still be written before the slot is in danger; absent without a limit.',
    ),
    slotRetainedBytes: gauge('slot_retained_wal_bytes', 'WAL the server keeps for the slot.'),
    replaySlotPosition: gauge(
      'replay_slot_position_bytes',
      'Where the replay slot stands, as a byte offset: a replay can begin there. 0: there is none.',
    ),
    replaySlotRetainedBytes: gauge(
      'replay_slot_retained_wal_bytes',
      'WAL the server keeps for the replay slot.',
    ),
    replaySlotWindow: gauge('replay_slot_window_seconds', 'How far back a replay can go.'),
    replaySlotHeldBack: gauge(
      'replay_slot_held_back_seconds',
      'Age of the open transaction that keeps the replay slot from freeing WAL; 0 when there is none.',
    ),
    replaySlotDropped: counter(
      'replay_slot_dropped_total',
      'Replay slots dropped, by reason (too-much-wal, lost).',
      ['reason'],
    ),
    deliveredPosition: gauge(
      'delivered_position_bytes',
      'WAL position up to which everything is delivered, as a byte offset.',
    ),
    healings: counter('healings_total', 'Times that a Redis which had lost its data was filled again.'),
    floorPosition: gauge(
      'floor_position_bytes',
      'WAL position up to which everything is in Redis, as a byte offset.',
    ),
    floorHeld: gauge(
      'floor_held',
      'Who keeps the server from forgetting WAL: 1 for the one, as `paytronix-segment status` names it.',
      ['by'],
    ),
    receivedPosition: gauge('received_position_bytes', 'WAL position received, as a byte offset.'),
    oldestOpenEntryAge: gauge(
      'oldest_open_entry_age_seconds',
      'Age of the oldest transaction received but not yet in Redis; 0 when there is none.',
    ),
    captureWaiting: gauge(
      'capture_waiting',
      '1 while capture waits, by what for. The WAL is the buffer meanwhile.',
      ['for'],
    ),
    reconnects: counter('reconnects_total', 'Connections made again after one was lost.', ['to']),

    queueJobs: gauge('queue_jobs', 'Jobs (batches of calls) waiting or in hand.', ['source', 'lane']),
    queueOldestAge: gauge(
      'queue_oldest_age_seconds',
      'Age of the oldest job waiting; 0 when there is none.',
      ['source', 'lane'],
    ),
    deadLetters: counter('dead_letters_total', 'Calls set aside, by reason.', ['source', 'reason']),
    deadLettersKept: gauge('dead_letters', 'Dead letters kept in Redis.', ['source']),

    listedGuests: gauge('suppression_list_guests', 'Guests on the suppression list.'),
    listUnreadable: gauge(
      'suppression_list_unreadable',
      '1 while the list cannot be read from its file or table; the guests known from before stay on it.',
      ['from'],
    ),

    requests: counter(
      'segment_requests_total',
      'Requests to Segment by HTTP status, or by what went wrong.',
      ['source', 'status'],
    ),
    requestSeconds: lag('segment_request_seconds', 'Time of a request to Segment.', ['source']),
    rateLimitWait: counter('rate_limit_wait_seconds_total', 'Time spent waiting for the rate limit.', [
      'source',
    ]),
    sourceParked: gauge(
      'source_parked',
      '1 while a source is parked, past its queue budget: capture goes on without it.',
      ['source'],
    ),
    sourcePaused: gauge(
      'source_paused',
      '1 while an operator has paused a source: nothing is delivered to it.',
      ['source'],
    ),
    sourceGaps: counter(
      'source_gaps_total',
      'Times that the WAL a parked source was to be brought from was gone: a gap to be filled.',
      ['source'],
    ),
    sourceStopped: gauge(
      'source_stopped',
      '1 while a source is stopped because Segment refuses its key or all its events.',
      ['source'],
    ),

    /** Sets the state the slot is in to 1 and every other to 0, so that a change of state leaves no stale 1 behind. */
    setWalStatus(status: WalStatus): void {
      for (const each of WAL_STATUSES) walStatus.set({ status: each }, each === status ? 1 : 0);
    },

    /** Registers a read that refreshes gauges before each scrape. A read that rejects leaves them as they are. */
    beforeScrape(read: () => Promise<void>): void {
      reads.push(read);
    },

    async render(): Promise<{ contentType: string; body: string }> {
      // A server that does not answer must not take the whole scrape with it: that is when metrics are needed most.
      await settledWithin(reads, options.readTimeoutMs ?? 2000);
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
}

async function settledWithin(reads: readonly (() => Promise<void>)[], ms: number): Promise<void> {
  if (reads.length === 0) return;
  const over = new AbortController();
  const read = Promise.allSettled(reads.map((each) => each()));
  await Promise.race([read, systemClock.sleep(ms, over.signal)]);
  over.abort();
}
