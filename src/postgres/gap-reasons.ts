/** Why a span of commits that had been queued may not have been sent. `setup --accept-gap` and `recover` close it. */
export const QUEUE_GAP = 'redis lost what was queued';
