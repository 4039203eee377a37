import { Arrivals } from '../../src/demo/arrivals.js';
import { startReceiver, type Receiver } from '../../src/demo/receiver.js';

/** A Segment source of its own: a receiver that knows one write key, and what arrived there. */
export interface Place extends AsyncDisposable {
  readonly receiver: Receiver;
  readonly arrivals: Arrivals;
}

/** @param arrivals where what arrives is noted. Default: a list of its own. */
export async function place(
  writeKey: string,
  arrivals: Arrivals = new Arrivals(() => undefined),
): Promise<Place> {
  const receiver = await startReceiver({
    writeKeys: [writeKey],
    keep: false,
    onEvent: (event) => arrivals.received(event),
  });
  return { receiver, arrivals, [Symbol.asyncDispose]: async () => receiver[Symbol.asyncDispose]() };
}
