import type { QueuedCall } from '../queue/job.js';
import type { ExpectedCall } from './oracle.js';
import { receivedCall, type ReceivedCall } from './received-call.js';
import type { ReceivedEvent } from './receiver.js';

/** Everything that arrived so far, in arrival order. */
export class Arrivals {
  readonly calls: ReceivedCall[] = [];
  readonly #ids = new Set<string>();
  readonly #onCall: (call: ReceivedCall) => void;

  constructor(onCall: (call: ReceivedCall) => void) {
    this.#onCall = onCall;
  }

  received(event: ReceivedEvent): void {
    this.#add(receivedCall(event));
  }

  /** What Segment answered with 200: the nearest to received that can be seen from here. */
  answered(calls: readonly QueuedCall[], answeredAtMs: number): void {
    for (const [indexInRequest, { name, messageId, json }] of calls.entries()) {
      const call = JSON.parse(json) as ReceivedEvent['call'];
      const userId = call['userId'];
      this.#add(
        receivedCall({
          arrivedAtMs: answeredAtMs,
          requestNo: 0,
          indexInRequest,
          type: String(call['type']),
          name,
          messageId,
          userId: typeof userId === 'string' ? userId : null,
          anonymousId: null,
          call,
          duplicate: this.#ids.has(messageId),
        }),
      );
    }
  }

  /** How many calls that must come have not. */
  missingOf(expected: readonly ExpectedCall[]): number {
    return expected.reduce(
      (count, { certain, messageId }) => count + (certain && !this.#ids.has(messageId) ? 1 : 0),
      0,
    );
  }

  #add(call: ReceivedCall): void {
    this.calls.push(call);
    this.#ids.add(call.messageId);
    this.#onCall(call);
  }
}
