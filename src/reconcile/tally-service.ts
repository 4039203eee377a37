import type { RedisSettings } from '../config/config.js';
import { ConnectorError, toError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import type { Logger } from '../observability/logger.js';
import { closeKnex, openKnex, type DatabaseOptions } from '../postgres/connection.js';
import { closeRedis, connectRedis } from '../queue/redis.js';
import { TallyBox } from '../queue/tally-box.js';
import { TallyMover } from './tally-mover.js';

export interface TallyServiceOptions {
  readonly database: DatabaseOptions;
  readonly redis: RedisSettings;
  readonly prefix: string;
  readonly source: string;
  readonly slotName: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface TallyService {
  /** Remembers from where on deliveries are counted; before capture starts. Resolves also when PostgreSQL is away. */
  begin(): Promise<void>;
  /** Resolves when PostgreSQL has everything counted by now. @throws when it has not within a few seconds */
  settle(): Promise<void>;
  /** Moves once more, for a few seconds at most, and closes its connections. After delivery has ended. */
  stop(): Promise<void>;
}

/** Longer is not waited for at the end: what is not moved stays in Redis for the next start. */
const LAST_MOVE_MS = 3_000;
const SETTLE_MS = 3_000;
const CLOSE_GRACE_MS = 500;

/** Keeps moving what was counted, on connections of its own. */
export function startTallyService(options: TallyServiceOptions): TallyService {
  const { database, redis, prefix, source, slotName, clock, logger } = options;
  const knex = openKnex({ ...database, poolSize: 1, connectTimeoutMs: 3_000 });
  const client = connectRedis({
    settings: redis,
    use: 'producer',
    name: 'paytronix-segment-tallies',
    onError: (error) => logger.debug({ err: error }, 'redis connection of the tallies'),
  });
  const box = new TallyBox(client, prefix, source);
  const mover = new TallyMover({ knex, source, slotName, box, clock, logger });
  const ending = new AbortController();
  const running = mover.run(ending.signal);
  return {
    async begin() {
      try {
        await mover.begin();
      } catch (error) {
        logger.info(
          { source, err: toError(error) },
          'what is delivered is counted once the database answers',
        );
      }
    },
    async settle() {
      const over = new AbortController();
      const late = clock.sleep(SETTLE_MS, over.signal).then(() => {
        if (!over.signal.aborted)
          throw new ConnectorError('DATABASE_BUSY', 'counts could not be moved in time');
      });
      try {
        await Promise.race([mover.settle(), late]);
      } finally {
        over.abort();
      }
    },
    async stop() {
      ending.abort();
      const over = new AbortController();
      await Promise.race([running, clock.sleep(LAST_MOVE_MS, over.signal)]);
      over.abort();
      await closeRedis(client);
      await closeKnex(knex, CLOSE_GRACE_MS);
    },
  };
}
