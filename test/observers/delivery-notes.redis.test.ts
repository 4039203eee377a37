import { expect, test } from 'vitest';
import { systemClock } from '../../src/lifecycle/clock.js';
import { deliveryNotes } from '../../src/observers/delivery-notes.js';
import { leaveNote, readNotes, type DeliveryNote } from '../../src/queue/delivery-notes.js';
import { closeRedis, connectRedis } from '../../src/queue/redis.js';
import { eventually } from '../support/eventually.js';
import { testRedis } from '../support/redis.js';

const DELIVERED = { source: 'brand', lane: 0, calls: [], queuedAtMs: 0, deliveredAtMs: 0 };

test('what a process that was killed left said of a lane and its source is gone with the next delivery, and stays said of others', async () => {
  await using redis = await testRedis();
  const client = connectRedis({
    settings: { url: redis.url, tls: null },
    use: 'worker',
    onError: () => undefined,
  });
  const failing: DeliveryNote = { lane: 0, state: 'failing', why: 'status 503', sinceMs: 1 };
  const notes = async (): Promise<string[]> =>
    (await readNotes(client, 'p', 'brand', [0, 1])).map(({ lane }) => String(lane));
  try {
    await leaveNote(client, 'p', 'brand', failing);
    await leaveNote(client, 'p', 'brand', { ...failing, lane: 1 });
    await leaveNote(client, 'p', 'brand', {
      ...failing,
      lane: null,
      state: 'stopped',
      why: 'SOURCE_REFUSED',
    });
    const heir = deliveryNotes({ client, prefix: 'p', clock: systemClock });
    heir.delivered?.(DELIVERED);
    await eventually(async () => (await notes()).join() === '1', 'the note of the other lane alone');
    // Asked of Redis once, not at every delivery.
    await leaveNote(client, 'p', 'brand', failing);
    heir.delivered?.(DELIVERED);
    expect(await notes()).toEqual(['0', '1']);
  } finally {
    await closeRedis(client);
  }
});
