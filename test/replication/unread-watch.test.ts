import { expect, test } from 'vitest';
import type { Clock } from '../../src/lifecycle/clock.js';
import { watchUnread } from '../../src/replication/unread-watch.js';

/** The looks of a watch at a connection that rests as `rests` says, at a server that answers as `refusals` says. */
async function watched(rests: readonly boolean[], refusals: readonly boolean[]): Promise<string[]> {
  const seen: string[] = [];
  const end = new AbortController();
  let at = -1;
  let asked = 0;
  const clock: Clock = {
    now: () => at,
    sleep: async () => {
      at += 1;
      if (at >= rests.length) end.abort();
    },
  };
  await watchUnread(
    {
      clock,
      unread: () => rests[at] ?? false,
      refuses: async () => {
        seen.push(`asked at ${at}`);
        asked += 1;
        return refusals[asked - 1] ?? false;
      },
      onRefused: () => seen.push(`refused at ${at}`),
    },
    end.signal,
  );
  return seen;
}

test('a server is asked only once reading has rested for two looks in a row', async () => {
  expect(await watched([false, true, false, true, true, false, true], [])).toEqual(['asked at 4']);
});

test('the first refusal while reading rests ends the watch, and an answer does not', async () => {
  expect(await watched([true, true, true, true], [false, true])).toEqual([
    'asked at 1',
    'asked at 2',
    'refused at 2',
  ]);
});
