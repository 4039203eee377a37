import type { Row } from './tables.js';
import { isZeroNumeric, negateNumeric, UnparsableValue } from './values.js';

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

/**
 * The quantity of a line whose kind gives the direction. @throws UnparsableValue where it has a sign of its own: an
 * amount that would be said twice over, and in the end the wrong way round.
 */
export function unsignedQuantity(line: Line): string {
  const { quantity, entry_kind: kind } = line;
  if (
    kind !== 'ADJUSTED' &&
    quantity.startsWith('-') &&
    quantity !== '-Infinity' &&
    !isZeroNumeric(quantity)
  ) {
    throw new UnparsableValue('txn.wallet_entry.quantity', 'is negative');
  }
  return quantity;
}
