import type { RedisClient } from './redis.js';

/**
 * Why a lane, or a whole source, is not being delivered: left in Redis by the process that tries, for whoever asks there.
 * A note that is not renewed is gone after some minutes, and with it the claim that somebody tries.
 */
export interface DeliveryNote {
  /** Null: the whole source. */
  readonly lane: number | null;
  /** `stopped`: by a condition that needs a person. `failing`: Segment does not take it, and it is tried again. */
  readonly state: 'stopped' | 'failing';
  /** A code of the connector, or what Segment did. Never a body, which may quote the event. */
  readonly why: string;
  /** Milliseconds since 1970, by the writer's clock. */
  readonly sinceMs: number;
}

/** Longer than the longest pause between two tries: a probe a minute, a pause of five. */
const NOTE_LIVES_MS = 6 * 60_000;

function noteKey(prefix: string, source: string, lane: number | null): string {
  return `${prefix}:delivery-note:${source}:${lane ?? 'source'}`;
}

export async function leaveNote(
  client: RedisClient,
  prefix: string,
  source: string,
  note: DeliveryNote,
): Promise<void> {
  await client.set(noteKey(prefix, source, note.lane), JSON.stringify(note), 'PX', NOTE_LIVES_MS);
}

export async function eraseNote(
  client: RedisClient,
  prefix: string,
  source: string,
  lane: number | null,
): Promise<void> {
  await client.del(noteKey(prefix, source, lane));
}

/** What was left of these lanes and of the source. */
export async function readNotes(
  client: RedisClient,
  prefix: string,
  source: string,
  lanes: readonly number[],
): Promise<readonly DeliveryNote[]> {
  const texts = await client.mget(...[null, ...lanes].map((lane) => noteKey(prefix, source, lane)));
  return texts.flatMap((text) => {
    const note = text === null ? null : noteFrom(text);
    return note === null ? [] : [note];
  });
}

function noteFrom(text: string): DeliveryNote | null {
  let note: Partial<Record<keyof DeliveryNote, unknown>> | null;
  try {
    note = JSON.parse(text) as typeof note;
  } catch {
    // Not JSON, so no note of ours.
    return null;
  }
  const { lane = null, state, why, sinceMs } = note ?? {};
  if (typeof why !== 'string' || typeof sinceMs !== 'number') return null;
  if (lane !== null && typeof lane !== 'number') return null;
  if (state !== 'stopped' && state !== 'failing') return null;
  return { lane, state, why, sinceMs };
}
