import { expect, test } from 'vitest';
import { systemClock } from '../../src/lifecycle/clock.js';
import { purchase } from '../support/brand.js';
import { numberOf, replayRig } from './rig.js';

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}

test('a replay beside a connector under load sends the same again, and live events keep their latency', async () => {
  await using rig = await replayRig({ RATE_LIMIT_PER_SECOND: '1000' });
  const commitMs = new Map<number, number>();
  const latencies = (from: number, to: number): number[] =>
    rig.receiver.events
      .filter((event) => numberOf(event) >= from && numberOf(event) < to && !event.duplicate)
      .map((event) => event.arrivedAtMs - (commitMs.get(numberOf(event)) ?? 0))
      .toSorted((a, b) => a - b);

  await rig.connected(async () => {
    await rig.purchases(1, 1_500);
    await rig.arrived(1_500);
    const first = new Map(rig.receiver.events.map((event) => [event.messageId, event.call]));
    const load = new AbortController();
    let next = 10_000;
    const business = (async (): Promise<void> => {
      while (!load.signal.aborted) {
        const n = next++;
        commitMs.set(
          n,
          Math.floor(
            (await purchase(rig.db, { transactionId: n, accountId: 1 + (n % 10), points: 2 })) / 1_000,
          ),
        );
        await systemClock.sleep(20, load.signal);
      }
    })();
    const alone = next;
    await systemClock.sleep(3_000);
    const during = next;
    const { exitCode, err } = await rig.replay(
      '--from',
      rig.start,
      '--to',
      '3s',
      '--event',
      'Add/Redeem',
      'POS Activity',
    );
    const after = next;
    load.abort();
    await business;
    await rig.arrived(next - 1);
    expect(err).toBe('');
    expect(exitCode).toBe(0);

    const again = rig.receiver.events.filter((event) => event.duplicate);
    const replayed = new Map(again.map((event) => [event.messageId, event.call]));
    expect(replayed.size).toBeGreaterThanOrEqual(first.size);
    for (const [id, call] of first) expect(replayed.get(id)).toEqual(call);
    // Every live event arrived as well, each once from the live stream.
    for (let n = alone; n < next; n += 1)
      expect(rig.receiver.events.some((event) => numberOf(event) === n)).toBe(true);

    const figures = { alone: latencies(alone, during), beside: latencies(during, after) };
    const shown = Object.entries(figures).map(
      ([name, sorted]) =>
        `${name}: n ${sorted.length}, p50 ${percentile(sorted, 0.5).toFixed()} ms, p99 ${percentile(sorted, 0.99).toFixed()} ms`,
    );
    expect(figures.beside.length).toBeGreaterThan(50);
    expect(percentile(figures.beside, 0.5), shown.join('; ')).toBeLessThan(400);
    process.stderr.write(`${shown.join('; ')}\n`);
  });
}, 120_000);
