import type { Knex } from 'knex';
import type { Transaction } from '../changes/transaction.js';
import type { SourceConfig } from '../config/config.js';
import type { EventSettings } from '../config/source.js';
import type { Clock } from '../lifecycle/clock.js';
import type { Mapping } from '../mapping/mapping.js';
import type { Logger } from '../observability/logger.js';
import type { DatabaseOptions } from '../postgres/connection.js';
import type { QueueSink } from '../queue/event-sink.js';
import type { SinkSource } from '../queue/queue-sink.js';
import type { EventSink } from '../queue/sink.js';
import type { WalStreamOptions } from '../replication/wal-stream.js';
import type { ListedGuests } from '../suppression/listed-guests.js';
import type { CatchUpTiming } from './catch-ups.js';
import type { TransactionSettled } from './derivation.js';
import type { CaptureObserver } from './observer.js';
import type { ReplaySettings } from './replay-window.js';

export type CapturedSource = Pick<SourceConfig, 'settings' | 'lanes' | 'budgetBytes'>;

/** What a sink asks of the session it belongs to. */
export interface SinkHooks {
  readonly sources: readonly SinkSource[];
  /** See `EventSinkOptions.park`. */
  readonly park: (source: string) => Promise<void>;
}

export interface DeriveOptions {
  readonly sources: readonly EventSettings[];
  /** Where the calls go. */
  readonly into: EventSink;
  /** Beside the live stream, for some of its sources: what no source takes is none of its affair. */
  readonly aside: boolean;
  /** Where guests are suppressed. */
  readonly sink: QueueSink;
  readonly mapping: Mapping;
  readonly withDatabase: <T>(step: () => Promise<T>) => Promise<T>;
}

export type Derive = (transactions: readonly Transaction[], settled: TransactionSettled) => Promise<void>;

export interface SessionOptions {
  readonly database: DatabaseOptions;
  readonly knex: Knex;
  readonly slotName: string;
  readonly publicationName: string;
  readonly stream: Pick<WalStreamOptions, 'spillDir' | 'transactionMemoryBytes' | 'maxBufferedBytes'>;
  /** What the tables mean, as the database has them now. */
  readonly openMapping: () => Promise<Mapping>;
  /** Who is on the suppression list; null: none is configured. */
  readonly listed: ListedGuests | null;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly observer: CaptureObserver;
  /** As they are configured now. */
  readonly sources: () => readonly CapturedSource[];
  /** A sink of this session's own; started once the slot is ours, so that its marks are the last holder's final ones. */
  readonly openSink: (hooks: SinkHooks) => QueueSink;
  /** Opens what derives and offers, with a directory of its own: a stream that begins elsewhere needs another. */
  readonly derive: (options: DeriveOptions) => Promise<Derive>;
  /** How the replay slot trails. */
  readonly replay: ReplaySettings;
  readonly catchUps?: Partial<CatchUpTiming>;
  readonly onStreaming: () => void;
  /** See `DeliveredWatchOptions`. */
  readonly counted?: () => Promise<void>;
}
