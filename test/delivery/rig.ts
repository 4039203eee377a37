import type { DeliverySettings } from '../../src/config/source.js';
import { createDelivery, type Delivery, type DeliveryOptions } from '../../src/delivery/delivery.js';
import { startReceiver, type Receiver, type ReceiverOptions } from '../../src/demo/receiver.js';
import { QueueRig, range } from '../queue/rig.js';
import { eventCall, transaction } from '../queue/sample-calls.js';
import { delivering, WRITE_KEY } from './settings.js';

/** A queue with its Redis, and a receiver that what is queued can be delivered to. Source `default`, one lane. */
export interface DeliveryRig extends AsyncDisposable {
  readonly queue: QueueRig;
  readonly receiver: Receiver;
  deliver(options?: Partial<DeliveryOptions>, settings?: Partial<DeliverySettings>): Promise<Delivery>;
  /** One job of these calls. */
  enqueue(ids: readonly string[]): Promise<void>;
  /** Message ids in the order in which they arrived, those that came again too. */
  arrived(): string[];
  /** Without those that came again: what Segment keeps. */
  kept(): string[];
}

export async function openDelivery(options: Partial<ReceiverOptions> = {}): Promise<DeliveryRig> {
  const queue = await QueueRig.open();
  const receiver = await startReceiver({ writeKeys: [WRITE_KEY], limitPerSecond: null, ...options });
  queue.onClose(async () => receiver.close());
  const sink = await queue.sink();
  let n = 0;
  return {
    queue,
    receiver,
    async deliver(more = {}, settings = {}) {
      const delivery = createDelivery({
        redis: queue.settings,
        sources: [delivering(receiver.url, settings)],
        probeIntervalMs: 100,
        ...more,
      });
      queue.onClose(async () => delivery.close({ graceMs: 100 }));
      await delivery.start();
      return delivery;
    },
    async enqueue(ids) {
      n += 1;
      const calls = ids.map((id, i) => eventCall(id, { key: String(i + 1), account: id.replace(/\D/g, '') }));
      await sink.offer(transaction(n, calls));
      await sink.flush();
    },
    arrived: () => receiver.events.map((event) => event.messageId),
    kept: () => receiver.events.filter((event) => !event.duplicate).map((event) => event.messageId),
    [Symbol.asyncDispose]: async () => queue[Symbol.asyncDispose](),
  };
}

/** `m<from>` to `m<to>`. */
export function ids(from: number, to: number): string[] {
  return range(from, to).map((n) => `m${n}`);
}
