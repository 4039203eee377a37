/**
 * Ids of the jobs in a lane. An id says that the connector made the job, and which place in the lane it was made for: data
 * alone says neither, for a copy of a job, or anything that somebody queued by hand, can claim any place. Every release
 * keeps these forms, whatever its job format.
 */
export type JobOrigin =
  | { readonly tag: 'lane'; readonly seq: number; readonly epoch: number }
  /** A dead letter that was put back: outside the sequence. */
  | { readonly tag: 'letter' };

const LANE_JOB_ID = /^b(\d{1,15})-(\d{1,15})-/;
const LETTER_JOB_ID = /^r-d-[\w-]{27}$/;

/** `nonce` tells processes apart that were given the same place. */
export function laneJobId(place: { readonly seq: number; readonly epoch: number }, nonce: string): string {
  return `b${place.seq}-${place.epoch}-${nonce}`;
}

/** @param letterId `d-` and 27 characters of base64url. */
export function letterJobId(letterId: string): string {
  return `r-${letterId}`;
}

/** Null: not an id that the connector gives. */
export function originOfJobId(id: string): JobOrigin | null {
  if (LETTER_JOB_ID.test(id)) return { tag: 'letter' };
  const match = LANE_JOB_ID.exec(id);
  return match === null ? null : { tag: 'lane', seq: Number(match[1]), epoch: Number(match[2]) };
}
