import type { DeadLetter } from '../queue/dead-letters.js';
import type { QueuedCall } from '../queue/job.js';
import type { Refusal } from './job-sender.js';
import { UNSENDABLE_STATUS } from './outcome.js';

/** A call that Segment, or the SDK before it, refused when it stood alone. */
export function refusedLetter(source: string, call: QueuedCall, refusal: Refusal, atMs: number): DeadLetter {
  const { status, bodyExcerpt } = refusal;
  const unsendable = status === UNSENDABLE_STATUS;
  return {
    ...call,
    reason: 'refused',
    detail: unsendable ? bodyExcerpt : `refused with status ${status}`,
    response: unsendable ? null : { status, bodyExcerpt },
    source,
    atMs,
  };
}

/** What stood in a lane and was no job of the connector. */
export function foreignLetter(found: {
  readonly source: string;
  readonly messageId: string;
  readonly detail: string;
  readonly data: unknown;
  readonly atMs: number;
}): DeadLetter {
  return {
    reason: 'foreign_job',
    detail: found.detail,
    response: null,
    source: found.source,
    position: '0/0',
    name: 'foreign_job',
    messageId: found.messageId,
    accountKey: '',
    guestId: null,
    commitTimeMs: 0,
    json: JSON.stringify(found.data) ?? 'null',
    atMs: found.atMs,
  };
}
