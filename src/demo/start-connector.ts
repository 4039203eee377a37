import { createConnector } from '../app.js';
import { parseConfig } from '../config/parse.js';
import { systemClock } from '../lifecycle/clock.js';
import { createLogger } from '../observability/logger.js';
import type { QueuedCall } from '../queue/job.js';

export interface ConnectorOptions {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly publicationName: string;
  readonly slotName: string;
  readonly writeKey: string;
  /** Origin of the receiver or of Segment; null = the connector's default. */
  readonly segmentHost: string | null;
  readonly spillDirectory: string;
  /** Called with each line of the connector's log from `warn` up. */
  readonly onLog: (line: string) => void;
  /** Called when the other side has answered that it took them. */
  readonly onDelivered: (calls: readonly QueuedCall[], deliveredAtMs: number) => void;
}

export interface RunningConnector {
  /** Calls in Redis: queued and not yet delivered. */
  queued(): number;
  /** Resolves with what ended it; stays pending while all is well. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

/**
 * The whole connector, as `paytronix-segment run` builds it, in this process and with default settings. Resolves when it
 * streams. @throws what keeps it from streaming.
 */
export async function startConnector(options: ConnectorOptions): Promise<RunningConnector> {
  const config = parseConfig(
    {
      DATABASE_URL: options.databaseUrl,
      REDIS_URL: options.redisUrl,
      SEGMENT_WRITE_KEY: options.writeKey,
      ...(options.segmentHost === null ? {} : { SEGMENT_HOST: options.segmentHost }),
      PUBLICATION_NAME: options.publicationName,
      SLOT_NAME: options.slotName,
      SPILL_DIR: options.spillDirectory,
      HTTP_PORT: '0',
      LOG_LEVEL: 'warn',
    },
    { command: 'run', role: 'all' },
  );
  let queued = 0;
  let streams = (): void => undefined;
  const streaming = new Promise<void>((resolve) => {
    streams = resolve;
  });
  const connector = createConnector(config, {
    logger: createLogger(config.logLevel, { write: (line) => options.onLog(line.trimEnd()) }),
    role: 'all',
    clock: systemClock,
    observers: {
      capture: {
        state: ({ tag }) => {
          if (tag === 'streaming') streams();
        },
      },
      queue: {
        queued: ({ calls }) => {
          queued += calls;
        },
      },
      delivery: {
        delivered: ({ calls, deliveredAtMs }) => {
          queued -= calls.length;
          options.onDelivered(calls, deliveredAtMs);
        },
        suppressed: (_source, calls) => {
          queued -= calls.length;
        },
        deadLettered: () => {
          queued -= 1;
        },
      },
    },
  });
  const fails = connector.failed.then((error) => {
    throw error;
  });
  try {
    await Promise.race([Promise.all([connector.start(), streaming]), fails]);
  } catch (error) {
    await connector.stop();
    throw error;
  }
  // From here on whoever runs it looks at `failed`.
  fails.catch(() => undefined);
  return {
    queued: () => Math.max(0, queued),
    failed: connector.failed,
    stop: async () => void (await connector.stop()),
  };
}
