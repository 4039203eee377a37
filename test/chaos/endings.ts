import { EXIT } from '../../src/errors/exit-codes.js';
import { isUnforeseen, type Ending } from './fleet.js';

/** SHUTDOWN_GRACE is 25 s; the rest is for a machine that does much else. */
const MOST_DRAIN_MS = 25_000 + 8_000;

/** The reasons for a gap that a fault explains, from its strike on: what is emptied after it may find no window yet. */
const EXPLAINED_GAPS: Readonly<Record<string, readonly string[]>> = {
  'slot-dropped': ['slot-missing', 'no-replay-slot', 'window-too-short'],
  'replay-slot-dropped': ['no-replay-slot', 'window-too-short'],
};

/** What struck, and when. */
export interface Occasion {
  readonly name: string;
  readonly fromMs: number;
}

/** How processes ended that should not have, or not so; each in words, with the process' name. */
export function endingFindings(endings: readonly Ending[], occasions: readonly Occasion[]): string[] {
  return endings.flatMap((ending) => {
    const wrong = wrongWith(ending, occasions);
    const { member, code, signal, condition, drainMs } = ending;
    const after = drainMs === null ? '' : ` after draining for ${drainMs} ms`;
    return wrong === null
      ? []
      : [`${member} ${wrong}: ${code ?? signal ?? ''}${after} ${condition ?? ''}`.trim()];
  });
}

function wrongWith(ending: Ending, occasions: readonly Occasion[]): string | null {
  const { code, signal, condition, killed, drained, drainMs, spoke } = ending;
  if (isUnforeseen(condition)) return 'ended with an error that has no name';
  if (killed && signal === 'SIGKILL') return null;
  // With a gap to name it ends so whether or not somebody asks it to drain meanwhile.
  if (code === EXIT.STOPPED && isExplained(ending, occasions)) return null;
  if (!drained) return 'ended by itself';
  // Asked before it could listen, it ends as any program does.
  if (signal === 'SIGTERM' && !spoke) return null;
  if (code !== EXIT.OK && code !== EXIT.CUT_SHORT) return 'did not drain';
  return drainMs !== null && drainMs > MOST_DRAIN_MS ? 'drained for too long' : null;
}

function isExplained({ condition, atMs }: Ending, occasions: readonly Occasion[]): boolean {
  if (condition?.startsWith('CAPTURE_GAP') !== true) return false;
  return occasions.some(
    ({ name, fromMs }) =>
      fromMs <= atMs && (EXPLAINED_GAPS[name] ?? []).some((reason) => condition.endsWith(`[${reason}]`)),
  );
}
