import { hash } from 'node:crypto';
import type { MessageId } from './event.js';

/** Segment's limit. */
const MAX_CHARS = 99;
const HASH_CHARS = 40;
/** Keys hold what a till wrote; ids travel through headers, logs and tab-separated lines. */
const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

/**
 * `px-<merchant>-<slug>-<key>`. A key that makes it too long or holds anything but printable ASCII is replaced by `h`
 * and the first 40 hexadecimal digits of its SHA-256: no plain key is so by chance.
 */
export function messageId(merchantId: string, slug: string, key: string): MessageId {
  const plain = `px-${merchantId}-${slug}-${key}`;
  if (plain.length <= MAX_CHARS && PRINTABLE_ASCII.test(plain)) return plain as MessageId;
  return `px-${merchantId}-${slug}-h${hash('sha256', key).slice(0, HASH_CHARS)}` as MessageId;
}
