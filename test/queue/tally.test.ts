import { expect, test } from 'vitest';
import { PendingTally, TALLIED_NAMES, TALLY_CHANNELS } from '../../src/queue/tally.js';
import { queuedCall } from './sample-calls.js';

test('a till’s repeat in the same job counts with the first row, whose minute it is', () => {
  const name = 'Identify Customer';
  const at = (time: string) => ({
    ...queuedCall('m1'),
    name,
    json: `{"type":"track","timestamp":"${time}","messageId":"m1"}`,
  });
  const pending = new PendingTally(TALLY_CHANNELS.live, 0);
  pending.delivered([at('2026-11-27T12:03:59.968Z'), at('2026-11-27T12:04:00.017Z')]);
  const minute = Date.parse('2026-11-27T12:03:00Z') / 60_000;
  expect(pending.pack().groups).toEqual([
    `${TALLY_CHANNELS.live}:0:${TALLIED_NAMES.indexOf(name)}:${minute}`,
  ]);
});
