import { expect, test } from 'vitest';
import { createDelivery } from '../../src/delivery/delivery.js';
import { startReceiver } from '../../src/demo/receiver.js';
import { QueueRig, until } from '../queue/rig.js';
import { eventCall, transaction } from '../queue/sample-calls.js';
import { delivering, WRITE_KEY } from './settings.js';

test('a delivery that starts while Redis is at its memory limit begins as soon as there is room', async () => {
  await using rig = await QueueRig.open();
  const receiver = await startReceiver({ writeKeys: [WRITE_KEY], limitPerSecond: null });
  rig.onClose(async () => receiver.close());
  const sink = await rig.sink();
  await sink.offer(transaction(1, [eventCall('m1', { account: '1' })]));
  await sink.flush();
  await rig.client.config('SET', 'maxmemory', '1');
  const refusals: Error[] = [];
  const delivery = createDelivery({
    redis: rig.settings,
    sources: [delivering(receiver.url)],
    observer: { connectionError: (error) => refusals.push(error) },
  });
  rig.onClose(async () => delivery.close({ graceMs: 100 }));
  const started = delivery.start();
  await until(() => refusals.length >= 2, 'refusals');
  expect(receiver.counts.events).toBe(0);
  await rig.client.config('SET', 'maxmemory', '0');
  await started;
  await receiver.waitUntil(() => receiver.counts.events === 1);
});
