import type { Row } from './tables.js';
import { negateNumeric } from './values.js';

type Line = Pick<Row<'txn.wallet_entry'>, 'entry_kind' | 'quantity'>;

/**
 * What a ledger line adds to its wallet's balance, as numeric text. Quantities are not negative and the kind gives the
 * direction; only ADJUSTED carries its own sign.
 */
export function signedQuantity(line: Line): string {
  switch (line.entry_kind) {
    case 'REDEEMED':
    case 'EXPIRED':
    case 'TRANSFERRED_OUT':
      return negateNumeric(line.quantity);
    default:
      // Not a union to check: the kind is the database's text, and every other kind of the ledger adds.
      return line.quantity;
  }
}
