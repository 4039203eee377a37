import { hash } from 'node:crypto';
import { Memo } from '../records/memo.js';

/** The connector's own UUID namespace, 95377ce3-21a7-5c1d-951d-732bb51b5992: changing it would orphan all history. */
const NAMESPACE = Buffer.from('95377ce321a75c1d951d732bb51b5992', 'hex');

/**
 * UUID version 5 of a name in the connector's namespace.
 * @see https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-5
 */
export function uuidOf(name: string): string {
  const bytes = hash('sha1', Buffer.concat([NAMESPACE, Buffer.from(name, 'utf8')]), 'buffer');
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytes.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Guests act in bursts (check-in, identification, purchase), so a window of recent accounts hits mostly. */
const remembered = new Memo<string, string>(8192);

/** The id that stitches a card's history together, before and after its registration. */
export function accountAnonymousId(merchantId: string, accountId: string): string {
  return remembered.of(`px:${merchantId}:account:${accountId}`, uuidOf);
}

/** For a row without an account. `table` is its bare name, for instance `survey_response`. */
export function rowAnonymousId(merchantId: string, table: string, primaryKey: string): string {
  return uuidOf(`px:${merchantId}:${table}:${primaryKey}`);
}
