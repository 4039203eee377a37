import type { BackfillLane } from '../backfill/fill.js';
import { present, queueSources, type Config, type SourceConfig } from '../config/config.js';
import { createDelivery, type Delivery, type DeliveryOptions } from '../delivery/delivery.js';
import { combine } from '../observers/combine.js';
import type { Logger } from '../observability/logger.js';
import { deliveryLog, queueLog } from '../observers/pipeline-log.js';
import { BACKFILL_LANE, isSideLane } from '../queue/side-lanes.js';
import type { ConfiguredList } from '../suppression/configured-list.js';
import { createSideSink } from '../queue/side-sink.js';
import { QueueStatusReader } from '../queue/status.js';
import { listedOption } from './suppression.js';

export interface OpenLaneOptions {
  readonly config: Config;
  readonly source: SourceConfig;
  readonly logger: Logger;
  readonly list: ConfiguredList | null;
  /** Whether the live lanes are served as well, so that what they hold goes first. */
  readonly withLiveLanes: boolean;
  /** Why nothing moves, as far as it is known; null: it moves. */
  readonly onObstacle: (text: string | null) => void;
}

/** The backfill lane of a source, with a delivery of this process. */
export function openBackfillLane(options: OpenLaneOptions): BackfillLane & AsyncDisposable {
  const { config, source, logger, list, withLiveLanes, onObstacle } = options;
  const { queue, shutdownGraceMs } = config;
  const redis = present(config.redis, 'Redis');
  const { prefix } = queue;
  const deliveryOptions: DeliveryOptions = {
    sources: [present(source.delivery, 'Segment source')],
    redis,
    prefix,
    ...listedOption(list),
    ...(withLiveLanes ? {} : { onlyLane: BACKFILL_LANE }),
    observer: combine(deliveryLog(logger), {
      stopped: (_source: string, _lane: number | null, code: string) => onObstacle(`stands still: ${code}`),
      resumed: () => onObstacle(null),
    }),
  };
  let delivery: Delivery | null = null;
  let awaitsRedis = false;
  const status = new QueueStatusReader({
    redis,
    prefix,
    sources: queueSources([source]),
  });
  return {
    openSink: () =>
      createSideSink({
        redis,
        prefix,
        ...listedOption(list),
        lane: BACKFILL_LANE,
        sources: [source.settings.name],
        observer: combine(queueLog(logger), {
          waiting: (why: string) => {
            awaitsRedis = why === 'redis_unavailable';
            onObstacle(awaitsRedis ? 'waiting for Redis' : `waiting: ${why}`);
          },
          resumed: () => onObstacle(null),
        }),
      }),
    delivery: {
      start: async () => {
        delivery = createDelivery(deliveryOptions);
        await delivery.start();
      },
      close: async () => void (await delivery?.close({ graceMs: shutdownGraceMs })),
    },
    depth: async () => {
      const { lanes } = await status.read();
      if (awaitsRedis) onObstacle(null);
      awaitsRedis = false;
      const jobsOf = (wanted: (lane: number) => boolean): number =>
        lanes.reduce((sum, { lane, jobs }) => sum + (wanted(lane) ? jobs : 0), 0);
      return {
        backfill: jobsOf((lane) => lane === BACKFILL_LANE),
        live: jobsOf((lane) => !isSideLane(lane)),
      };
    },
    [Symbol.asyncDispose]: async () => status.close(),
  };
}
