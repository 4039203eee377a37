import { expect, test } from 'vitest';
import { createDelivery } from '../../src/delivery/delivery.js';
import { startReceiver } from '../../src/demo/receiver.js';
import { QueueRig, range, until } from '../queue/rig.js';
import { eventCall, transaction } from '../queue/sample-calls.js';
import { ids } from './rig.js';
import { delivering } from './settings.js';

async function enqueue(
  sink: Awaited<ReturnType<QueueRig['sink']>>,
  source: string,
  jobs: readonly number[],
): Promise<void> {
  for (const job of jobs) {
    const calls = ids(job * 5 - 4, job * 5).map((id) =>
      eventCall(`${source}-${id}`, { key: id, account: id }),
    );
    await sink.offer(transaction(job, calls, undefined, source));
    await sink.flush();
  }
}

test('what is queued of a source that is removed goes on being delivered, and then nobody serves it; the same source put back goes on in order', async () => {
  await using queue = await QueueRig.open();
  await using receiver = await startReceiver({ writeKeys: ['wk_test'], limitPerSecond: null });
  const sources = ['stays', 'leaves'].map((name) => ({ name, lanes: 1 }));
  const sink = await queue.sink({ sources });
  let mended = false;
  receiver.respondWith(() => (mended ? null : { tag: 'status', status: 503 }));
  const closed: string[] = [];
  const [stays, leaves] = ['stays', 'leaves'].map((name) => delivering(receiver.url, { name }));
  if (stays === undefined || leaves === undefined) throw new Error('two sources');
  const delivery = createDelivery({
    redis: queue.settings,
    sources: [stays, leaves],
    observer: { closed: (source) => closed.push(source) },
  });
  queue.onClose(async () => delivery.close({ graceMs: 100 }));
  await delivery.start();
  await enqueue(sink, 'leaves', range(1, 3));
  await delivery.reconfigure([stays]);
  expect(closed).toEqual([]);
  mended = true;
  const of = (name: string): string[] =>
    receiver.events.map(({ messageId }) => messageId).filter((id) => id.startsWith(name));
  await until(() => closed.length === 1, 'the end of the one removed');
  expect(of('leaves')).toEqual(ids(1, 15).map((id) => `leaves-${id}`));

  await enqueue(sink, 'leaves', range(4, 5));
  await enqueue(sink, 'stays', range(1, 2));
  await until(() => of('stays').length === 10, 'the other goes on');
  expect(of('leaves')).toHaveLength(15);
  await delivery.reconfigure([stays, leaves]);
  await until(() => of('leaves').length === 25, 'the rest');
  expect(of('leaves')).toEqual(ids(1, 25).map((id) => `leaves-${id}`));
  expect(receiver.counts.duplicates).toBe(0);
});

test('a source that is delivered elsewhere ends the request in hand first: nothing is lost or doubled, and no other source waits', async () => {
  await using queue = await QueueRig.open();
  await using before = await startReceiver({ writeKeys: ['wk_test'], limitPerSecond: null });
  await using after = await startReceiver({ writeKeys: ['wk_test'], limitPerSecond: null });
  const sink = await queue.sink({ sources: ['moves', 'stays'].map((name) => ({ name, lanes: 1 })) });
  const sources = (host: string): Parameters<ReturnType<typeof createDelivery>['reconfigure']>[0] => [
    delivering(host, { name: 'moves', requestTimeoutMs: 10_000 }),
    delivering(before.url, { name: 'stays' }),
  ];
  let slow = false;
  before.respondWith(({ messageIds }) =>
    slow && messageIds[0]?.startsWith('moves') === true ? { tag: 'delay', ms: 2_000 } : null,
  );
  const delivery = createDelivery({ redis: queue.settings, sources: sources(before.url) });
  queue.onClose(async () => delivery.close({ graceMs: 100 }));
  await delivery.start();
  await enqueue(sink, 'moves', range(1, 2));
  await before.waitUntil(() => before.counts.events === 10);
  slow = true;
  await enqueue(sink, 'moves', range(3, 6));
  await before.waitUntil(() => before.counts.requests >= 3);
  const changing = delivery.reconfigure(sources(after.url));
  const beganMs = Date.now();
  await enqueue(sink, 'stays', range(1, 3));
  await before.waitUntil(
    () => before.events.filter(({ messageId }) => messageId.startsWith('stays')).length === 15,
  );
  // It was delivered while the one that moves waited for its answer.
  expect(Date.now() - beganMs).toBeLessThan(1_900);
  await changing;
  await after.waitUntil(() => before.counts.events + after.counts.events === 45);
  const moved = [...before.events, ...after.events].filter(({ messageId }) => messageId.startsWith('moves'));
  expect(moved.map(({ messageId }) => messageId)).toEqual(ids(1, 30).map((id) => `moves-${id}`));
  expect(after.counts.events).toBeGreaterThan(0);
});
