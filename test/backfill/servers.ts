import { Arrivals } from '../../src/demo/arrivals.js';
import { startReceiver } from '../../src/demo/receiver.js';
import { PUBLICATION, setUpConnector, slotOf } from '../support/captured.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { testRedis, type TestRedis } from '../support/redis.js';

export interface Servers extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly redis: TestRedis;
  readonly arrivals: Arrivals;
  readonly env: Readonly<Record<string, string>>;
}

/** A database, a Redis and a receiver as strict as Segment; no connector runs. */
export async function servers(): Promise<Servers> {
  const db = await testDatabase();
  const redis = await testRedis();
  const arrivals = new Arrivals(() => undefined);
  const receiver = await startReceiver({
    writeKeys: ['key'],
    keep: false,
    onEvent: (event) => arrivals.received(event),
  });
  await setUpConnector(db);
  return {
    db,
    redis,
    arrivals,
    env: {
      DATABASE_URL: db.url,
      REDIS_URL: redis.url,
      SEGMENT_WRITE_KEY: 'key',
      SEGMENT_HOST: receiver.url,
      PUBLICATION_NAME: PUBLICATION,
      SLOT_NAME: slotOf(db),
      SHUTDOWN_GRACE: '2s',
    },
    [Symbol.asyncDispose]: async () => {
      await receiver.close();
      await redis.dispose();
      await db.close();
    },
  };
}
