import type { Row } from '../records/tables.js';
import { nullableDate, timestampIso } from '../records/timestamps.js';
import { isIdentification } from './candidates.js';
import type { EventRule } from './draft.js';
import type { Derivation } from './subject.js';
import { localDate } from '../records/zones.js';
import { transactionSceneOf, withClockNote, type TransactionScene } from './scene.js';

type Header = Row<'txn.transaction'>;

/** A guest recognised at a till or in an online order. */
export const identifyCustomer: EventRule<'Identify Customer', Header> = {
  name: 'Identify Customer',
  draft(subject, derivation) {
    const { row } = subject;
    if (!isIdentification(row)) return null;
    const found = transactionSceneOf('Identify Customer', subject, derivation);
    if (found === null) return null;
    const { scene, check, time } = found;
    const key = identificationKey(row, found, derivation);
    return {
      scene,
      key,
      presentedCardId: row.card_id,
      channel: row.origin,
      time,
      identifyKey: scene.account.guest === null ? null : key,
      properties: withClockNote(
        {
          transaction_id: row.transaction_id,
          pos_transaction_id: row.pos_transaction_id,
          check_number: check?.check_number ?? null,
          terminal_id: row.terminal_id,
          posted_at: timestampIso(row.posted_at, 'txn.transaction.posted_at', derivation.observer),
        },
        time,
      ),
    };
  },
};

/**
 * One key for all identifications of an account during one check: a till repeats them while the check is open, and
 * its numbers start anew each business day.
 */
function identificationKey(
  row: Header,
  { scene, check, time }: TransactionScene,
  { observer }: Derivation,
): string {
  if (row.store_id === null || row.pos_transaction_id === null || row.pos_transaction_id === '') {
    return row.transaction_id;
  }
  // A mapped check may have no day.
  const business = nullableDate(check?.business_date ?? null, 'txn.pos_check.business_date', observer);
  const day = business?.replaceAll('-', '') ?? localDate(scene.zone, time.ms);
  return `${row.store_id}-${day}-${row.pos_transaction_id}-${scene.account.account.account_id}`;
}
