/**
 * Places at which a process may be killed on purpose: after every hand-over, where a crash must neither lose nor double nor
 * reorder anything. The sentence says what has just happened there.
 */
export const FAILPOINTS = {
  'row-decoded': 'a row has come from the stream and is held for its transaction',
  'transaction-spilled': 'rows of a large transaction were written to the spill directory',
  'transaction-assembled': 'a COMMIT has come, and its transaction waits to be derived',
  'transaction-taken': 'transactions were taken from the stream',
  'rows-looked-up': 'what the commits need was read from the tables',
  'events-derived': 'the events of a commit were derived and offered to the queue',
  'suppression-kept': 'a guest of whom nothing more may be sent was written to PostgreSQL',
  'suppression-queued': 'a guest of whom nothing more may be sent was written to Redis',
  'list-published': 'the suppression list was written to Redis',
  'listed-counted': 'calls of listed guests were counted, and what follows is not queued yet',
  'intent-written': 'a lane’s next job was announced, and is not added yet',
  'job-added': 'a job was added to its lane, and nobody was told',
  'transaction-settled': 'everything a commit implies is in Redis',
  'source-parked': 'it was written down that a source is parked, and nothing has passed it by yet',
  'source-moved': 'how much a parked source has of what it missed was written down',
  'source-unparked': 'it was written down that a source takes part in the live stream again',
  'parked-gap-recorded':
    'what a parked source will never get from the WAL was written down as a gap of its own',
  'sources-registered':
    'a source that was added was written to PostgreSQL, and nothing is derived for it yet',
  'pause-recorded': 'that a source is paused was written to PostgreSQL, and Redis does not know it',
  'keepalive-accepted': 'the position of a keepalive became the floor',
  'checkpoint-stored': 'the checkpoint row was committed, and its position is not confirmed yet',
  'status-sent': 'a position was confirmed to the server',
  'delivered-stored': 'the delivered position was written to the checkpoint',
  'job-taken': 'a worker has taken a job of its lane',
  'tokens-acquired': 'the rate limit has let a request pass, and it is not sent yet',
  'request-sent': 'the body of a request was written, and its answer has not come',
  'response-received': 'Segment has answered, and nothing was written down',
  'progress-saved': 'how far delivery is within a job was written down',
  'letter-stored': 'a refused call was added to the dead letters',
  'job-finished': 'a job’s delivery was written down, and the job is still in its lane',
  'job-completed': 'a job has left its lane',
  'job-given-back': 'a job that was not delivered is back at the head of its lane',
  'tallies-frozen': 'counts were set aside in Redis to be moved',
  'tallies-moved': 'counts were committed in PostgreSQL, and Redis still holds them',
  'lanes-renewed': 'healing has begun the lanes anew, and nothing is queued in them yet',
  'healing-queued': 'healing has queued everything, and no checkpoint knows it',
  'replay-slot-copied': 'the replay slot was made',
  'replay-slot-advanced': 'the replay slot was moved on',
  'replay-slot-dropped': 'the replay slot was given up',
  'setup-published': 'set-up has made the publication, and there is no slot yet',
  'setup-slot-made': 'set-up has made the slot, and there is no checkpoint yet',
  'replay-recorded': 'a replay’s run was recorded, and nothing is queued yet',
  'replay-queued': 'a replay has queued what it had in hand, and its position is not written down',
  'page-queued': 'a page of a backfill is in Redis, and its position is not written down',
  'page-recorded': 'a backfill’s position was written down',
  'gap-recorded': 'a gap was written down, and is not filled yet',
} as const;

export type FailpointName = keyof typeof FAILPOINTS;

interface Armed {
  readonly name: string;
  readonly strike: () => void;
  left: number;
}

let armed: Armed | null = null;

/** Arms one of them for this process: `strike` is called when it is passed for the `passing`th time. */
export function armFailpoint(name: FailpointName, passing: number, strike: () => void): void {
  armed = { name, left: passing, strike };
}

/** Nothing but a comparison unless one is armed: it may stand where every row passes. */
export function failpoint(name: FailpointName): void {
  if (armed === null || armed.name !== name) return;
  armed.left -= 1;
  if (armed.left === 0) armed.strike();
}

/** `<name>` or `<name>:<which passing>`; null for anything else. */
export function parseFailpoint(
  text: string,
): { readonly name: FailpointName; readonly passing: number } | null {
  const [, name = '', passing = '1'] = /^([a-z-]+)(?::([1-9]\d{0,8}))?$/.exec(text) ?? [];
  return name in FAILPOINTS ? { name: name as FailpointName, passing: Number(passing) } : null;
}
