import { hash } from 'node:crypto';

/** Prefix of every Redis key of the connector unless configured otherwise. */
export const DEFAULT_PREFIX = 'paytronix';

/** What a lane is called in metrics and checkpoints: `<source>/<lane>`. */
export type LaneName = `${string}/${number}`;

export function laneName(source: string, lane: number): LaneName {
  return `${source}/${lane}`;
}

/** BullMQ's name of a lane's queue. */
export function laneQueueName(source: string, lane: number): string {
  return `segment/${source}/${lane}`;
}

export function deadLetterQueueName(source: string): string {
  return `segment/${source}/dead-letters`;
}

/** The hash beside the queue: not among BullMQ's own keys, so that emptying the queue does not forget the position. */
export function laneStateKey(prefix: string, source: string, lane: number): string {
  return `${prefix}:lane:${source}:${lane}`;
}

export function laneCountKey(prefix: string, source: string): string {
  return `${prefix}:lanes:${source}`;
}

/** Ids of the dead letters of one guest, whom the key does not name: an id may be an e-mail address. */
export function guestLettersKey(prefix: string, source: string, guestId: string): string {
  return `${prefix}:letters:${source}:h${hash('sha256', guestId, 'base64url').slice(0, 22)}`;
}

/** As a former release called it. */
export function formerGuestLettersKey(prefix: string, source: string, guestId: string): string {
  return `${prefix}:letters:${source}:${guestId}`;
}

export function rateLimitKey(prefix: string, source: string): string {
  return `${prefix}:rate:${source}`;
}

/** The bucket all side lanes of a source share, beside the source's own. */
export function sideRateLimitKey(prefix: string, source: string): string {
  return `${rateLimitKey(prefix, source)}:side`;
}

/** What BullMQ puts before the id of a job, and before the names of its lists. */
export function jobKeyPrefix(prefix: string, queueName: string): string {
  return `${prefix}:${queueName}:`;
}
