/** Why a span of commits that had been queued may not have been sent. `setup --accept-gap` and `recover` close it. */
export const QUEUE_GAP = 'redis lost what was queued';
/** Why a source misses a span of commits that others have: the WAL it was to be brought from is gone. `recover` fills it. */
export const PARKED_GAP = 'a parked source outlasted the replay window';
/** A source left the configuration while it missed something. */
export const REMOVED_GAP = 'a source was removed while it was parked';
