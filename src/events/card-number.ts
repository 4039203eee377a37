import { createHmac } from 'node:crypto';
import type { EventSettings } from '../config/source.js';
import type { AccountFacts, Facts } from '../enrichment/facts.js';
import { Memo } from '../records/memo.js';

/** At most; of a number shorter than twice as many, half of it. */
const VISIBLE_CHARS = 6;
const REMEMBERED_HASHES = 4096;

/** By key, as two sources may hash with different ones. */
const hashes = new Map<string, Memo<string, string>>();

/** HMAC-SHA256, hexadecimal: keyed, as a bare hash of so few possible numbers could be reversed by trying them all. */
function hashed(cardNumber: string, key: string): string {
  let memo = hashes.get(key);
  if (memo === undefined) hashes.set(key, (memo = new Memo(REMEMBERED_HASHES)));
  return memo.of(cardNumber, (text) => createHmac('sha256', key).update(text, 'utf8').digest('hex'));
}

/** A card number as the source may send it. @throws TypeError when the mode is HASHED and there is no key. */
export function shownCardNumber(cardNumber: string, settings: EventSettings['cardNumber']): string {
  switch (settings.mode) {
    case 'FULL':
      return cardNumber;
    case 'MASKED':
      return cardNumber.slice(cardNumber.length - Math.min(VISIBLE_CHARS, Math.floor(cardNumber.length / 2)));
    case 'HASHED':
      if (settings.hashKey === null || settings.hashKey === '')
        throw new TypeError('HASHED card numbers need a key');
      return hashed(cardNumber, settings.hashKey);
    default:
      return settings.mode satisfies never;
  }
}

/** The number of the presented card, else of the account's primary card. */
export function printedCardNumber(
  presentedCardId: string | null,
  account: AccountFacts | null,
  facts: Facts,
): string | null {
  const presented = presentedCardId === null ? null : facts.card(presentedCardId);
  return (presented ?? account?.primaryCard ?? null)?.printed_card_number ?? null;
}
