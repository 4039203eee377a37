import type { AccountFacts } from '../enrichment/facts.js';
import { signedQuantity } from '../records/ledger-line.js';
import type { Transition } from '../records/commit.js';
import type { Row } from '../records/tables.js';
import { nullableNumeric, numericValue, subtractNumeric, sumNumeric } from '../records/values.js';
import { isActivation, isRechargeCandidate } from './candidates.js';
import type { EventRule } from './draft.js';
import type { Derivation } from './subject.js';
import { balanceOf } from './loyalty-lines.js';
import { sceneOf } from './scene.js';
import { serverTime } from './timestamp.js';

type Recharge = Row<'txn.recharge'>;

/** A guest paid stored value onto a card, and the payment went through. */
export const rechargeValue: EventRule<'Recharge Value', Transition<'txn.recharge'>> = {
  name: 'Recharge Value',
  draft(subject, derivation) {
    const row = subject.row.after;
    if (row === null || !isRechargeCandidate(subject.row) || isNothingPaidIn(row, derivation)) return null;
    const { facts, commit, observer } = derivation;
    const store = row.store_id === null ? null : facts.store(row.store_id);
    const scene = sceneOf('Recharge Value', subject, store, derivation);
    if (scene === null) return null;
    const definition = facts.walletDefinition(row.merchant_id, row.wallet_code);
    if (definition?.wallet_type === 'COMP') return null;
    const { before, after } = balances(row, scene.account, derivation);
    return {
      scene,
      key: row.recharge_id,
      identifyKey: null,
      presentedCardId: row.card_id,
      channel: row.channel,
      time: serverTime(row.completed_at, 'txn.recharge.completed_at', commit.commitTimeUs, observer),
      properties: {
        recharge_id: row.recharge_id,
        transaction_id: row.transaction_id,
        amount: numericValue(row.amount, 'txn.recharge.amount', observer),
        bonus_amount: numericValue(row.bonus_amount, 'txn.recharge.bonus_amount', observer),
        currency: row.currency ?? scene.merchant.currency,
        wallet_code: row.wallet_code,
        wallet_label: definition?.label ?? null,
        balance_before: nullableNumeric(before, 'txn.wallet_entry.balance_after', observer),
        balance_after: nullableNumeric(after, 'txn.wallet_entry.balance_after', observer),
        recharge_kind: row.recharge_kind,
        payment_type: row.payment_type,
        card_type: row.card_type,
      },
    };
  },
};

/** Taken back within the commit, or the sale of a new gift card, which activates it in the same transaction. */
function isNothingPaidIn(row: Recharge, { commit }: Derivation): boolean {
  if (row.transaction_id === null) return false;
  if (commit.voidedTransactionIds.has(row.transaction_id)) return true;
  const header = commit.transactions.get(row.transaction_id);
  return header !== undefined && isActivation(header);
}

interface Balances {
  readonly before: string | null;
  readonly after: string | null;
}

/** By the transaction's own lines; without any in this commit it left the wallet as it stands. */
function balances(row: Recharge, account: AccountFacts, derivation: Derivation): Balances {
  const { commit, facts } = derivation;
  const all = row.transaction_id === null ? undefined : commit.entries.get(row.transaction_id);
  const lines = all?.filter(
    (line) => line.wallet_code === row.wallet_code && line.account_id === row.account_id,
  );
  const after = lines?.at(-1)?.balance_after;
  if (lines === undefined || after === undefined) {
    const state = balanceOf(account, row.wallet_code);
    const before = facts.isEmpty('txn.wallet_entry') ? withoutLedger(row, state, derivation) : state;
    return { before, after: state };
  }
  const column = 'txn.wallet_entry.quantity';
  const change = sumNumeric(lines.map(signedQuantity), column);
  return { before: subtractNumeric(after, change, column), after };
}

/**
 * No ledger tells what the wallet held before. It is what remains without this payment where the wallet was written
 * together with it and with no other; whether a wallet that was not is paid in already, or will be, nobody knows.
 */
function withoutLedger(row: Recharge, after: string | null, { commit }: Derivation): string | null {
  if (after === null || commit.changedWallets.get(row.account_id)?.has(row.wallet_code) !== true) return null;
  const alike = [...commit.recharges.values()].filter(
    ({ after: other }) => other?.account_id === row.account_id && other.wallet_code === row.wallet_code,
  );
  if (alike.length > 1) return null;
  const paid = sumNumeric([row.amount, row.bonus_amount], 'txn.recharge.amount');
  return subtractNumeric(after, paid, 'txn.recharge.amount');
}
