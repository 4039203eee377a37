import type { AccountFacts } from '../enrichment/facts.js';
import type { Row } from '../records/tables.js';
import { timestampIso } from '../records/timestamps.js';
import {
  booleanValue,
  nullableNumeric,
  numericValue,
  sumNumeric,
  type JsonNumber,
  type ValueObserver,
} from '../records/values.js';
import { isAddRedeemHeader } from './candidates.js';
import type { EventRule } from './draft.js';
import { localTime } from '../records/zones.js';
import { loyaltyChanges, type WalletChange } from './loyalty-lines.js';
import { transactionSceneOf, withClockNote } from './scene.js';
import { inScope } from './wallet-scope.js';

const QUANTITY = 'txn.wallet_entry.quantity';
const BALANCE = 'loyalty.account_wallet.balance';

/** A guest earned or used points or rewards: one event per transaction, however many wallets it touched. */
export const addRedeem: EventRule<'Add/Redeem', Row<'txn.transaction'>> = {
  name: 'Add/Redeem',
  draft(subject, derivation) {
    const { row } = subject;
    const { facts, commit, settings, observer } = derivation;
    const lines = commit.entries.get(row.transaction_id);
    if (lines === undefined || !isAddRedeemHeader(row)) return null;
    const found = transactionSceneOf('Add/Redeem', subject, derivation);
    if (found === null) return null;
    const { scene, check, time } = found;
    const changes = loyaltyChanges(lines, scene.account, facts);
    if (changes.length === 0) return null;
    const points = changes.filter((change) => change.definition.value_kind === 'POINTS');
    const rewards = changes.filter((change) => isRewardRedeemed(change));
    const shown = inScope(changes, settings.wallets);
    const paid =
      row.check_id === null || row.card_id === null ? null : facts.checkCard(row.check_id, row.card_id);
    return {
      scene,
      key: row.transaction_id,
      presentedCardId: row.card_id,
      channel: row.origin,
      time,
      identifyKey: null,
      properties: withClockNote(
        {
          transaction_id: row.transaction_id,
          pos_transaction_id: row.pos_transaction_id,
          check_number: check?.check_number ?? null,
          check_total: nullableNumeric(check?.total ?? null, 'txn.pos_check.total', observer),
          check_subtotal: nullableNumeric(check?.subtotal ?? null, 'txn.pos_check.subtotal', observer),
          check_discount: nullableNumeric(
            check?.discount_total ?? null,
            'txn.pos_check.discount_total',
            observer,
          ),
          amount_paid: nullableNumeric(paid?.amount_paid ?? null, 'txn.check_card.amount_paid', observer),
          currency: scene.merchant.currency,
          points_added: total(
            points.map((change) => change.added),
            QUANTITY,
            observer,
          ),
          points_redeemed: total(
            points.map((change) => change.redeemed),
            QUANTITY,
            observer,
          ),
          points_balance: pointsBalance(scene.account, observer),
          rewards_redeemed: total(
            rewards.map((change) => change.redeemed),
            QUANTITY,
            observer,
          ),
          reward_labels: inScope(rewards, settings.wallets).map((change) => change.definition.label),
          wallet_codes: shown.map((change) => change.definition.wallet_code),
          wallet_changes: shown.map((change) => ({
            wallet_code: change.definition.wallet_code,
            label: change.definition.label,
            added: numericValue(change.added, QUANTITY, observer),
            redeemed: numericValue(change.redeemed, QUANTITY, observer),
            balance: nullableNumeric(change.balance, BALANCE, observer),
          })),
          is_offline: booleanValue(row.is_offline, 'txn.transaction.is_offline'),
          posted_at: timestampIso(row.posted_at, 'txn.transaction.posted_at', observer),
          store_local_time: localTime(scene.zone, time.ms),
        },
        time,
      ),
    };
  },
};

function isRewardRedeemed(change: WalletChange): boolean {
  return change.definition.value_kind === 'REWARD' && change.hasRedeemed;
}

function total(
  texts: readonly string[],
  column: string,
  observer: ValueObserver | undefined,
): JsonNumber | null {
  return numericValue(sumNumeric(texts, column), column, observer);
}

/** Of the points a guest sees; unknown when one of the balances is. */
function pointsBalance(account: AccountFacts, observer: ValueObserver | undefined): JsonNumber | null {
  if (account.wallets === null) return null;
  const balances: string[] = [];
  for (const { definition, balance } of account.wallets) {
    if (definition.value_kind !== 'POINTS' || definition.guest_visible !== 't') continue;
    if (balance === null) return null;
    balances.push(balance);
  }
  return total(balances, BALANCE, observer);
}
