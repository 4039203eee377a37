import { Arrivals } from '../../src/demo/arrivals.js';
import { startReceiver, type Receiver } from '../../src/demo/receiver.js';

/** A Segment source of its own: a receiver that knows one write key, and what arrived there. */
export interface Place extends AsyncDisposable {
  readonly receiver: Receiver;
  readonly arrivals: Arrivals;
}

export async function place(writeKey: string): Promise<Place> {
  const arrivals = new Arrivals(() => undefined);
  const receiver = await startReceiver({
    writeKeys: [writeKey],
    keep: false,
    onEvent: (event) => arrivals.received(event),
  });
  return { receiver, arrivals, [Symbol.asyncDispose]: async () => receiver[Symbol.asyncDispose]() };
}
