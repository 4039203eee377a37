import { expect, test } from 'vitest';
import { createDelivery } from '../../src/delivery/delivery.js';
import { startReceiver } from '../../src/demo/receiver.js';
import { DEFAULT_PREFIX } from '../../src/queue/keys.js';
import { writePaused } from '../../src/queue/paused.js';
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

test('a delivery that cannot learn which sources are paused sends nothing until it has', async () => {
  await using rig = await QueueRig.open();
  const receiver = await startReceiver({ writeKeys: [WRITE_KEY], limitPerSecond: null });
  rig.onClose(async () => receiver.close());
  const sources = ['paused', 'other'].map((name) => ({ name, lanes: 1 }));
  const sink = await rig.sink({ sources });
  for (const { name } of sources) {
    await sink.offer(transaction(1, [eventCall(name, { account: '1' })], undefined, name));
  }
  await sink.flush();
  await writePaused(rig.client, DEFAULT_PREFIX, 'paused', 1);
  // Everything may be read but that.
  await rig.client.call('ACL', 'SETUSER', 'default', 'resetkeys', `~${DEFAULT_PREFIX}:[^p]*`, '~[^p]*');
  const refusals: Error[] = [];
  const delivery = createDelivery({
    redis: rig.settings,
    sources: sources.map(({ name }) => delivering(receiver.url, { name })),
    observer: { connectionError: (error) => refusals.push(error) },
  });
  rig.onClose(async () => delivery.close({ graceMs: 100 }));
  const started = delivery.start();
  await until(() => refusals.length >= 2, 'refusals');
  expect(receiver.counts.events).toBe(0);
  await rig.client.call('ACL', 'SETUSER', 'default', '~*');
  await started;
  await receiver.waitUntil(() => receiver.counts.events > 0);
  await writePaused(rig.client, DEFAULT_PREFIX, 'paused', null);
  await receiver.waitUntil(() => receiver.counts.events === 2);
  expect(receiver.events.map(({ messageId }) => messageId)).toEqual(['other', 'paused']);
});
