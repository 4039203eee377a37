import type { EventSettings } from '../config/source.js';
import type { AccountFacts } from '../enrichment/facts.js';
import { shownCardNumber } from './card-number.js';

/**
 * The Segment userId: only where a registered guest stands behind the account, and null also where the account lacks
 * the value the source names people by (another value in its place could be somebody else's).
 */
export function userIdOf(facts: AccountFacts, settings: EventSettings): string | null {
  if (facts.account.user_id === null) return null;
  const id = named(facts, settings);
  return id === null || id === '' ? null : settings.userId.prefix + id;
}

function named(facts: AccountFacts, settings: EventSettings): string | null {
  const { strategy } = settings.userId;
  switch (strategy) {
    case 'account_id':
      return facts.account.account_id;
    case 'user_id':
      return facts.account.user_id;
    case 'external_account_code':
      return facts.account.external_account_code;
    case 'printed_card_number':
      return primaryNumber(facts, settings);
    default:
      return strategy satisfies never;
  }
}

/**
 * The primary card's, not the presented one's: a person must not change with the card in hand. As the source shows
 * card numbers, so that an id never discloses what the property hides; six masked characters name several people.
 */
function primaryNumber(facts: AccountFacts, settings: EventSettings): string | null {
  if (facts.primaryCard === null || settings.cardNumber.mode === 'MASKED') return null;
  return shownCardNumber(facts.primaryCard.printed_card_number, settings.cardNumber);
}
