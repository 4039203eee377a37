import type { Knex } from 'knex';
import type { CaptureSettings } from '../config/config.js';
import type { Clock } from '../lifecycle/clock.js';
import { failpoint } from '../lifecycle/failpoint.js';
import type { Mapping } from '../mapping/mapping.js';
import { recordNameOf } from '../mapping/record-names.js';
import { REFERENCE_MAPPING } from '../mapping/reference.js';
import type { Logger } from '../observability/logger.js';
import { closeKnex, openKnex, type DatabaseOptions } from '../postgres/connection.js';
import { keepSuppressed } from '../postgres/suppressed-guests.js';
import type { QueueSink } from '../queue/event-sink.js';
import type { ListedGuests } from '../suppression/listed-guests.js';
import { Capture } from './capture.js';
import type { CatchUpTiming } from './catch-ups.js';
import type { CaptureObserver, CapturePositions } from './observer.js';
import { openDerivation } from './open-derivation.js';
import type { CapturedSource, SinkHooks } from './session-options.js';

export interface CaptureServiceOptions {
  readonly database: DatabaseOptions;
  readonly settings: CaptureSettings;
  readonly sources: readonly CapturedSource[];
  readonly openSink: (hooks: SinkHooks) => QueueSink;
  /** Who is on the suppression list, as `openSink`'s sinks have it too. Default: none is configured. */
  readonly listed?: ListedGuests;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly observer: CaptureObserver;
  /** Told of amounts that JSON cannot carry (NaN, infinity) and that became null. */
  readonly onUnreadableNumber: (column: string) => void;
  /** See `DeliveredWatchOptions`. */
  readonly counted?: () => Promise<void>;
  readonly catchUps?: Partial<CatchUpTiming>;
  /** What the tables mean, asked anew for each session. Default: they are the reference schema's. */
  readonly openMapping?: (knex: Knex) => Promise<Mapping>;
}

export interface CaptureService {
  /** See `Capture.run`. Closes its database connections at the end. */
  run(stop: AbortSignal, force: AbortSignal): Promise<void>;
  readonly positions: CapturePositions | null;
  /** See `Capture.reconfigure`. */
  reconfigure(sources: readonly CapturedSource[]): Promise<void>;
}

/** For statements under way when capture has ended: nothing waits for what they say any more. */
const CLOSE_GRACE_MS = 1_000;

/** Builds capture from its settings: look-ups, directory, rules and derivation around the sessions. */
export function captureService(options: CaptureServiceOptions): CaptureService {
  const { settings, sources, logger, clock, observer, database } = options;
  const openMapping = options.openMapping ?? (() => Promise.resolve(REFERENCE_MAPPING));
  const knex = openKnex({ ...database, poolSize: 8 });
  const unrouted = onceEach((merchantId) => observer.unrouted?.(merchantId));
  const capture = new Capture({
    database,
    knex,
    slotName: settings.slotName,
    publicationName: settings.publicationName,
    stream: {
      spillDir: settings.spillDir,
      transactionMemoryBytes: settings.transactionMemoryBytes,
    },
    logger,
    clock,
    observer,
    openSink: options.openSink,
    listed: options.listed ?? null,
    ...(options.counted === undefined ? {} : { counted: options.counted }),
    ...(options.catchUps === undefined ? {} : { catchUps: options.catchUps }),
    replay: { retentionMs: settings.replayRetentionMs, maxWalBytes: settings.replayMaxWalBytes },
    sources,
    openMapping: () => openMapping(knex),
    derive: async ({ sources: taking, into, aside, sink, mapping, withDatabase }) => {
      const derivation = await openDerivation({
        knex,
        sources: taking,
        sink: into,
        suppress: async (guestIds) => {
          // Beside the data first: Redis, where delivery looks, can lose what it holds.
          await withDatabase(() => keepSuppressed(knex, guestIds));
          failpoint('suppression-kept');
          await sink.suppress(guestIds);
          failpoint('suppression-queued');
        },
        withDatabase,
        cacheAccounts: settings.cacheAccounts,
        mapping,
        onLookup: (table) => observer.lookup?.(table),
        ...(aside
          ? {}
          : {
              onUnrouted: (merchantId: string) => unrouted(merchantId),
              onUnknownWord: (table, column) => observer.unknownWord?.(recordNameOf(table), column),
            }),
        onDerived: (source, name, outcome) => observer.derived?.(source, name, outcome),
        onNoAccount: (source, event) => observer.noAccount?.(source, event),
        onUnreadableNumber: options.onUnreadableNumber,
      });
      return (transactions, settled) => derivation.derive(transactions, settled);
    },
  });
  return {
    get positions() {
      return capture.positions;
    },
    reconfigure: async (given) => capture.reconfigure(given),
    async run(stop, force) {
      try {
        await capture.run(stop, force);
      } finally {
        await closeKnex(knex, CLOSE_GRACE_MS);
      }
    },
  };
}

/** More are not told apart: a connector for one merchant of many thousands knows enough. */
const MOST_UNROUTED = 10_000;

/** Over all sessions: a stream that begins again brings the same rows again. */
function onceEach(tell: (merchantId: string) => void): (merchantId: string) => void {
  const told = new Set<string>();
  return (merchantId) => {
    if (told.has(merchantId) || told.size >= MOST_UNROUTED) return;
    told.add(merchantId);
    tell(merchantId);
  };
}
