import type { Clock } from '../lifecycle/clock.js';
import type { Metrics } from '../observability/metrics.js';
import { laneLabel } from '../queue/side-lanes.js';
import type { QueueStatusReader } from '../queue/status.js';

/** Reads depth and age of the lanes and the number of dead letters when metrics are asked for. */
export async function readQueueGauges(
  metrics: Metrics,
  reader: QueueStatusReader,
  clock: Clock,
): Promise<void> {
  const { lanes, deadLetters, listedGuests } = await reader.read();
  // Of a source that is configured no more nothing is to be shown.
  for (const gauge of [metrics.queueJobs, metrics.queueOldestAge, metrics.deadLettersKept]) gauge.reset();
  for (const { source, lane, jobs, oldestAtMs } of lanes) {
    const labels = { source, lane: laneLabel(lane) };
    metrics.queueJobs.set(labels, jobs);
    const ageMs = oldestAtMs === null ? 0 : clock.now() - oldestAtMs;
    metrics.queueOldestAge.set(labels, Math.max(0, ageMs) / 1000);
  }
  metrics.listedGuests.set(listedGuests ?? 0);
  for (const [source, count] of Object.entries(deadLetters)) metrics.deadLettersKept.set({ source }, count);
}
