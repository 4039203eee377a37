import type { Row } from '../records/tables.js';
import { timestampIso } from '../records/timestamps.js';
import { booleanValue, nullableNumeric } from '../records/values.js';
import { isPosActivity, isPosVoid } from './candidates.js';
import type { EventRule } from './draft.js';
import type { Derivation } from './subject.js';
import { transactionSceneOf, withClockNote } from './scene.js';

type Header = Row<'txn.transaction'>;

/** Whatever a till does with a loyalty card: any transaction type, named in `pos_function`. */
export const posActivity: EventRule<'POS Activity', Header> = {
  name: 'POS Activity',
  draft(subject, derivation) {
    const { row } = subject;
    const isVoid = derivation.settings.emitVoids && isLaterVoid(row, derivation);
    if (!isVoid && !isPosActivity(row)) return null;
    const found = transactionSceneOf('POS Activity', subject, derivation);
    if (found === null) return null;
    const { scene, check, time } = found;
    const properties = {
      pos_function: row.transaction_type,
      transaction_id: row.transaction_id,
      pos_transaction_id: row.pos_transaction_id,
      terminal_id: row.terminal_id,
      operator_id: row.operator_id,
      check_number: check?.check_number ?? null,
      check_total: nullableNumeric(check?.total ?? null, 'txn.pos_check.total', derivation.observer),
      posted_at: timestampIso(row.posted_at, 'txn.transaction.posted_at', derivation.observer),
      is_offline: booleanValue(row.is_offline, 'txn.transaction.is_offline'),
    };
    const original = isVoid ? row.original_transaction_id : null;
    return {
      scene,
      key: row.transaction_id,
      presentedCardId: row.card_id,
      channel: row.origin,
      time,
      identifyKey: null,
      properties: withClockNote(
        original === null ? properties : { ...properties, is_void: true, original_transaction_id: original },
        time,
      ),
    };
  },
};

/** A void of something sent earlier. One that commits together with its original leaves nothing to tell. */
function isLaterVoid(row: Header, { commit }: Derivation): boolean {
  return (
    isPosVoid(row) &&
    row.original_transaction_id !== null &&
    !commit.transactions.has(row.original_transaction_id)
  );
}
