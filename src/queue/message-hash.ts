import { hash } from 'node:crypto';

/**
 * 64 bits that stand for a message id: the first 8 bytes of its SHA-256, as a signed integer. PostgreSQL computes the same
 * (`MESSAGE_HASH_SQL` in reconcile/), and unlike MD5 it is available where only approved algorithms are.
 */
export function messageHash(messageId: string): bigint {
  return hash('sha256', messageId, 'buffer').readBigInt64BE(0);
}

/** As two unsigned halves: a script in Redis counts in doubles. */
export function messageHashHalves(messageId: string): { readonly high: number; readonly low: number } {
  const digest = hash('sha256', messageId, 'buffer');
  return { high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) };
}
