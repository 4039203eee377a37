import { DeadLetters } from '../queue/dead-letters.js';
import { DEFAULT_PREFIX } from '../queue/keys.js';
import { queuedCalls } from '../queue/queued-calls.js';
import type { RedisClient } from '../queue/redis.js';
import { SIDE_LANES } from '../queue/side-lanes.js';
import { minuteOfCall } from '../queue/tally.js';
import { minuteKey, type MinuteKey } from './tally-reader.js';

export interface QueueLook {
  /** Ids that wait or are in hand, of the minutes asked for. */
  readonly queued: ReadonlyMap<MinuteKey, ReadonlySet<string>>;
  readonly deadLetters: ReadonlySet<string>;
}

const LETTERS_AT_ONCE = 200;

/** What Redis holds of a source that is not delivered: first the lanes, then the dead letters, as a call would pass them. */
export async function lookAtQueue(options: {
  readonly client: RedisClient;
  readonly prefix?: string;
  readonly source: string;
  readonly lanes: number;
  readonly keys: ReadonlySet<MinuteKey>;
}): Promise<QueueLook> {
  const { client, source, lanes, keys, prefix = DEFAULT_PREFIX } = options;
  const queued = new Map<MinuteKey, Set<string>>();
  for (const lane of [...Array.from({ length: lanes }, (_, index) => index), ...SIDE_LANES]) {
    for await (const call of queuedCalls(client, prefix, source, lane)) {
      const minute = minuteOfCall(call.json);
      if (minute === null) continue;
      const key = minuteKey(call.name, minute);
      if (!keys.has(key)) continue;
      const ids = queued.get(key) ?? new Set();
      queued.set(key, ids.add(call.messageId));
    }
  }
  return { queued, deadLetters: await deadLetterIds(client, prefix, source) };
}

async function deadLetterIds(
  client: RedisClient,
  prefix: string,
  source: string,
): Promise<ReadonlySet<string>> {
  const letters = new DeadLetters(source, { client, prefix, onError: () => undefined });
  const ids = new Set<string>();
  try {
    for (let offset = 0; ; offset += LETTERS_AT_ONCE) {
      const some = await letters.list({ offset, limit: LETTERS_AT_ONCE });
      for (const letter of some) ids.add(letter.messageId);
      if (some.length < LETTERS_AT_ONCE) return ids;
    }
  } finally {
    await letters.close();
  }
}
