import type { CanonicalTransaction, Transaction } from '../changes/transaction.js';
import type { Mapping } from './mapping.js';

/** A transaction's rows as canonical records. */
export function canonicalTransaction(transaction: Transaction, mapping: Mapping): CanonicalTransaction {
  // The decoder gives exactly the columns of `mapping.tables`, which without feeds are those of the canonical records;
  // the names are data, so the compiler cannot follow.
  if (mapping.feeds === null) return transaction as unknown as CanonicalTransaction;
  throw new RangeError('rows of a user’s tables have no translation');
}
