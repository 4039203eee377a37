const MIB = 1_048_576;

/** Resident bytes of one process, sampled every five seconds from its start. */
export interface Life {
  readonly member: string;
  readonly bytes: readonly number[];
}

export interface MemoryJudged {
  readonly mostBytes: number;
  /** Lives long enough to be judged each by itself. */
  readonly longLives: number;
  /** Lives whose growth counts towards their process' median. */
  readonly shortLives: number;
  readonly findings: readonly string[];
}

const SAMPLE_SECONDS = 5;
/** A minute and a half: what comes later than its middle third is not warming up. */
const SAMPLES_THAT_TELL = 18;
const MOST_GROWTH = 1.35;
/** Where processes level off: what grows below it is warming up. */
const WARM_BYTES = 220 * MIB;
const MOST_BYTES = 320 * MIB;
/** Code is loaded and caches fill for so long after a start. */
const WARM_AFTER_SAMPLES = 4;
/** So much of a life must lie behind that for its growth to be told from noise. */
const GROWING_SAMPLES = 4;
const LIVES_FOR_A_MEDIAN = 5;
const MOST_MEDIAN_MIB_PER_MINUTE = 60;

/**
 * Processes must not grow. One that lives long is judged by itself; lives that are cut short, which is most of them, together:
 * by the median of how fast those of one process grew once they were warm.
 */
export function memoryFindings(lives: readonly Life[]): MemoryJudged {
  const findings: string[] = [];
  const growth = new Map<string, number[]>();
  let [mostBytes, longLives, shortLives] = [0, 0, 0];
  for (const { member, bytes } of lives) {
    const most = Math.max(0, ...bytes);
    mostBytes = Math.max(mostBytes, most);
    if (most > MOST_BYTES) findings.push(`${member} held ${mebibytes(most)}: ${seriesOf(bytes)}`);
    const rate = mebibytesPerMinute(bytes);
    if (rate !== null) {
      shortLives += 1;
      growth.set(member, [...(growth.get(member) ?? []), rate]);
    }
    if (bytes.length < SAMPLES_THAT_TELL) continue;
    longLives += 1;
    const third = Math.floor(bytes.length / 3);
    const [middle, last] = [median(bytes.slice(third, 2 * third)), median(bytes.slice(2 * third))];
    if (last > middle * MOST_GROWTH && last > WARM_BYTES) {
      findings.push(`${member} grew from ${mebibytes(middle)} to ${mebibytes(last)}: ${seriesOf(bytes)}`);
    }
  }
  for (const [member, rates] of growth) {
    const rate = median(rates);
    if (rates.length >= LIVES_FOR_A_MEDIAN && rate > MOST_MEDIAN_MIB_PER_MINUTE) {
      findings.push(
        `${member} grew by ${Math.round(rate)} MiB a minute, the median of ${rates.length} lives`,
      );
    }
  }
  return { mostBytes, longLives, shortLives, findings };
}

/** From the first half of what lies behind the warm-up to the second; null: too short to tell. */
function mebibytesPerMinute(bytes: readonly number[]): number | null {
  const warm = bytes.slice(WARM_AFTER_SAMPLES);
  if (warm.length < GROWING_SAMPLES) return null;
  const half = Math.floor(warm.length / 2);
  const [early, late] = [median(warm.slice(0, half)), median(warm.slice(-half))];
  const minutes = ((warm.length - half) * SAMPLE_SECONDS) / 60;
  return (late - early) / MIB / minutes;
}

function seriesOf(bytes: readonly number[]): string {
  return bytes.map((each) => Math.round(each / MIB)).join(' ');
}

export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
