import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { captureService, type CaptureService } from '../../src/capture/service.js';
import type { CaptureObserver, CaptureState } from '../../src/capture/observer.js';
import type { EventSettings } from '../../src/config/source.js';
import { EVENT_NAMES, type Derived } from '../../src/events/event.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import type { Mapping } from '../../src/mapping/mapping.js';
import { REFERENCE_MAPPING } from '../../src/mapping/reference.js';
import { silentLogger } from '../../src/observability/logger.js';
import { openKnex } from '../../src/postgres/connection.js';
import { setUp } from '../../src/postgres/setup.js';
import type { QueueSink } from '../../src/queue/event-sink.js';
import { setUpReplaySlot } from '../../src/replay/setup-replay-slot.js';
import { compareStart } from '../../src/replication/startup.js';
import type { TestDatabase } from './postgres.js';
import { eventually } from './eventually.js';

export const PUBLICATION = 'paytronix_segment';

export const DEFAULT_SETTINGS: EventSettings = {
  name: 'default',
  merchantIds: null,
  events: new Set(EVENT_NAMES),
  identify: true,
  traits: new Set(),
  userId: { strategy: 'account_id', prefix: '' },
  cardNumber: { mode: 'FULL', hashKey: null },
  wallets: 'all',
  privacy: null,
  emitVoids: false,
  surveyAnswers: false,
  enabledFromUs: 0,
};

/** Slot names are the cluster's, not the database's: each test database has its own. */
export function slotOf(db: TestDatabase): string {
  return `s_${db.name}`;
}

export async function setUpConnector(db: TestDatabase): Promise<void> {
  const knex = openKnex({ url: db.url });
  try {
    await setUp(knex, {
      database: { url: db.url },
      slotName: slotOf(db),
      publicationName: PUBLICATION,
      compareStart,
      replaySlot: setUpReplaySlot,
    });
  } finally {
    await knex.destroy();
  }
}

/** A call as it was offered, with its JSON read. */
export interface OfferedCall {
  readonly derived: Derived;
  readonly messageId: string;
  readonly name: string;
  readonly body: {
    readonly properties: Record<string, unknown>;
    readonly traits: Record<string, unknown>;
  } & Record<string, unknown>;
}

export interface Captured extends AsyncDisposable {
  readonly calls: readonly OfferedCall[];
  readonly suppressed: readonly string[];
  readonly service: CaptureService;
  readonly states: readonly CaptureState[];
  /** Rejects with what ended capture. */
  readonly running: Promise<void>;
  /** The calls once every one of these ids was offered. */
  until(...messageIds: string[]): Promise<readonly OfferedCall[]>;
  stop(): Promise<void>;
}

export interface CapturedOptions {
  readonly settings?: Partial<EventSettings>;
  readonly onCall?: (call: Derived) => void;
  /** Keep the calls. Default true. */
  readonly keep?: boolean;
  /** Waits here before a transaction settles: a queue that is down. Default: settles at once. */
  readonly gate?: () => Promise<void>;
  readonly cacheAccounts?: number;
  /** Default: the reference schema's. */
  readonly mapping?: Mapping;
  /** Called for each commit with its number of rows. */
  readonly onReceived?: (rowCount: number) => void;
  /** See `CaptureObserver`. */
  readonly observer?: Pick<CaptureObserver, 'unknownWord' | 'noAccount'>;
}

/** Capture over the real database with a queue that takes everything at once: what would be sent, and in which order. */
export async function captured(db: TestDatabase, options: CapturedOptions = {}): Promise<Captured> {
  const calls: OfferedCall[] = [];
  const suppressed: string[] = [];
  const states: CaptureState[] = [];
  const spillDir = await mkdtemp(join(tmpdir(), 'captured-'));
  const sink: QueueSink = {
    failure: null,
    start: async () => undefined,
    close: async () => undefined,
    flush: async () => undefined,
    laneSnapshot: () => ({}),
    compareWithCheckpoint: async () => undefined,
    delivered: async () => ({}),
    renew: async () => undefined,
    publishListed: async () => false,
    suppressedCount: async () => suppressed.length,
    suppress: async (guestIds) => void suppressed.push(...guestIds),
    beginAt: () => undefined,
    loads: () => new Map(),
    paused: async () => new Map(),
    setPaused: async () => undefined,
    open: async () => undefined,
    setBudget: () => undefined,
    release: async () => 0,
    forget: async () => undefined,
    catchUp: async () => Promise.reject(new RangeError('this queue takes everything')),
    offer: async (offered) => {
      for (const derived of offered.calls) {
        options.onCall?.(derived);
        if (options.keep === false) continue;
        const body = JSON.parse(derived.json) as OfferedCall['body'];
        calls.push({ derived, messageId: derived.messageId, name: derived.name, body });
      }
      await options.gate?.();
      offered.settled();
    },
  };
  const service = captureService({
    database: { url: db.url },
    settings: {
      slotName: slotOf(db),
      publicationName: PUBLICATION,
      transactionMemoryBytes: 8 * 1024 * 1024,
      spillDir,
      cacheAccounts: options.cacheAccounts ?? 1_000,
      replayRetentionMs: 0,
      replayMaxWalBytes: 4 * 1024 ** 3,
    },
    sources: [{ settings: { ...DEFAULT_SETTINGS, ...options.settings }, lanes: 1, budgetBytes: 1024 ** 3 }],
    openSink: () => sink,
    logger: silentLogger,
    clock: systemClock,
    observer: {
      state: (state) => void states.push(state),
      received: ({ rowCount }) => options.onReceived?.(rowCount),
      ...options.observer,
    },
    ...(options.mapping === undefined
      ? {}
      : { openMapping: async () => options.mapping ?? REFERENCE_MAPPING }),
    onUnreadableNumber: () => undefined,
  });
  const stopping = new AbortController();
  const force = new AbortController();
  const running = service.run(stopping.signal, force.signal);
  running.catch(() => undefined);
  const stop = async (): Promise<void> => {
    stopping.abort();
    try {
      await running;
    } finally {
      await rm(spillDir, { recursive: true, force: true });
    }
  };
  return {
    calls,
    suppressed,
    service,
    states,
    running,
    stop,
    until: async (...messageIds) => {
      await Promise.race([
        eventually(
          () => {
            const seen = new Set(calls.map((call) => call.messageId));
            return messageIds.every((id) => seen.has(id));
          },
          `calls ${messageIds.join(', ')}`,
        ),
        running,
      ]);
      return calls;
    },
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      force.abort();
      await running.catch(() => undefined);
      await rm(spillDir, { recursive: true, force: true });
    },
  };
}
