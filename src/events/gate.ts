import type { EventSettings } from '../config/source.js';
import type { AccountFacts } from '../enrichment/facts.js';
import type { Row } from '../records/tables.js';
import type { EventName } from './event.js';

/**
 * Who and what may be spoken of at all, judged on the rows at the end of the commit. Each event adds what its own row
 * must be; the rows of `candidates.ts` carry what can be judged before any look-up.
 */

/** The source takes this event of this merchant. */
export function sourceTakes(settings: EventSettings, event: EventName, merchantId: string): boolean {
  return settings.events.has(event) && takesMerchant(settings, merchantId);
}

export function takesMerchant({ merchantIds }: EventSettings, merchantId: string): boolean {
  return merchantIds === null || merchantIds.has(merchantId);
}

export function merchantAdmits(
  merchant: Row<'loyalty.merchant'> | null,
): merchant is Row<'loyalty.merchant'> {
  return merchant !== null && merchant.status === 'ACTIVE' && merchant.is_demo === 'f';
}

export function storeAdmits(store: Row<'loyalty.store'> | null): boolean {
  return store?.store_kind !== 'LAB';
}

/** A real guest's living loyalty account, whose guest, if registered, has not asked to be forgotten. */
export function accountAdmits(facts: AccountFacts | null): facts is AccountFacts {
  if (facts === null) return false;
  const { account } = facts;
  return (
    account.account_kind === 'GUEST' &&
    account.account_status !== 'TERMINATED' &&
    account.merged_into_account_id === null &&
    isLoyalty(facts.template) &&
    guestAdmits(facts)
  );
}

function isLoyalty(template: Row<'loyalty.card_template'> | null): boolean {
  return template?.program_kind === 'LOYALTY' || template?.program_kind === 'COMBINED';
}

/** A guest whose row is gone was deleted: a replay must not bring anything of theirs back. */
function guestAdmits({ account, guest }: AccountFacts): boolean {
  return account.user_id === null || guest?.status === 'ACTIVE';
}
