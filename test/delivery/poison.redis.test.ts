import { expect, test } from 'vitest';
import { eventCall, transaction } from '../queue/sample-calls.js';
import { range, until } from '../queue/rig.js';
import { ids, openDelivery } from './rig.js';

const MESSAGE = '{"success":false,"message":"malformed JSON: properties.amount"}';

test.each(['batch', 'sdk'] as const)(
  '%s: one poison event among 500 delays the others by less than a second and stands alone in the dead letters with Segment’s words',
  async (client) => {
    await using r = await openDelivery();
    const sink = await r.queue.sink({ sources: [{ name: 'poisoned', lanes: 1 }] });
    const all = ids(1, 500);
    const calls = all.map((id, i) => eventCall(id, { key: String(i + 1), account: String(i % 40) }));
    await sink.offer(transaction(1, calls, undefined, 'poisoned'));
    await sink.flush();
    const poison = 'm137';
    r.receiver.respondWith(({ messageIds }) =>
      messageIds.includes(poison) ? { tag: 'status', status: 400, body: MESSAGE } : null,
    );
    await r.deliver({}, { name: 'poisoned', client, rateLimitPerSecond: 1_000 });
    await r.receiver.waitUntil(() => r.receiver.counts.events >= 499);

    expect(r.arrived()).toEqual(all.filter((id) => id !== poison));
    const { requests } = r.receiver;
    const refused = requests.filter(({ status }) => status === 400);
    expect(refused.at(-1)?.messageIds).toEqual([poison]);
    // What the limit allows passes 500 in half a second; everything beyond that is the poison's doing.
    const [first, last] = [requests[0], requests.at(-1)];
    const tookMs = (last?.arrivedAtMs ?? 0) - (first?.arrivedAtMs ?? 0);
    expect(tookMs - (500 - (last?.messageIds.length ?? 0))).toBeLessThan(1_000);
    // Nobody waits longer than the search for the culprit takes.
    for (const id of range(138, 236).map((n) => `m${n}`)) {
      const tries = requests.filter(({ messageIds }) => messageIds.includes(id));
      expect((tries.at(-1)?.arrivedAtMs ?? 0) - (tries[0]?.arrivedAtMs ?? 0)).toBeLessThan(1_000);
    }

    const letters = r.queue.letters('poisoned');
    await until(async () => (await letters.count()) === 1, 'the letter');
    expect((await letters.list()).map(({ messageId }) => messageId)).toEqual([poison]);
    expect(await letters.get(poison)).toMatchObject({
      reason: 'refused',
      detail: 'refused with status 400',
      response: { status: 400, bodyExcerpt: MESSAGE },
      name: 'POS Activity',
    });
  },
);
