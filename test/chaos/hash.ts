import { createHash } from 'node:crypto';

/** The same number for the same text in every run. */
export function hashOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}
