import type { Row } from '../records/tables.js';
import { isKnownZone } from '../records/zones.js';

/** The store's zone, else the merchant's default, else UTC: the first that is known. */
export function zoneFor(store: Row<'loyalty.store'> | null, merchant: Row<'loyalty.merchant'>): string {
  if (store !== null && isKnownZone(store.timezone)) return store.timezone;
  return isKnownZone(merchant.default_timezone) ? merchant.default_timezone : 'UTC';
}
