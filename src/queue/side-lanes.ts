/** Lane of `replay`, beside the live lanes 0 and up. */
export const REPLAY_LANE = 1_000;
/** Lane of `backfill`. */
export const BACKFILL_LANE = 1_001;

/** A lane of its own for what is sent beside the live stream: one queue, one sequence, one worker at a time. */
export type SideLane = typeof REPLAY_LANE | typeof BACKFILL_LANE;

export const SIDE_LANES: readonly SideLane[] = [REPLAY_LANE, BACKFILL_LANE];

export function isSideLane(lane: number): lane is SideLane {
  return lane === REPLAY_LANE || lane === BACKFILL_LANE;
}

/** What a lane is called where people read it: metrics, logs, status. */
export function laneLabel(lane: number): string {
  switch (lane) {
    case REPLAY_LANE:
      return 'replay';
    case BACKFILL_LANE:
      return 'backfill';
    default:
      return String(lane);
  }
}
