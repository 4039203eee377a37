/** The middle value; the mean of the two in the middle of an even number. @throws RangeError without values */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/**
 * By linear interpolation between the two nearest ranks. `percent` 0 is the least value, 100 the greatest.
 * @throws RangeError without values
 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) throw new RangeError('no values to take a percentile of');
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * How a figure stands to its baseline. With as many rounds of each, every round is compared with its own neighbour, which
 * cancels what the machine did to both; otherwise the medians are compared.
 */
export function ratio(values: readonly number[], baseline: readonly number[]): number {
  if (values.length !== baseline.length) return median(values) / median(baseline);
  return median(values.map((value, round) => value / (baseline[round] ?? Number.NaN)));
}

/** Most events within any second, of requests in order of arrival. */
export function busiestSecond(
  requests: readonly { readonly atMs: number; readonly events: number }[],
): number {
  let most = 0;
  let sum = 0;
  let oldest = 0;
  for (const { atMs, events } of requests) {
    sum += events;
    for (;;) {
      const first = requests[oldest];
      if (first === undefined || first.atMs > atMs - 1_000) break;
      sum -= first.events;
      oldest += 1;
    }
    most = Math.max(most, sum);
  }
  return most;
}
