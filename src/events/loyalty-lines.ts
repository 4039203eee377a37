import type { AccountFacts, Facts } from '../enrichment/facts.js';
import { compareKeys } from '../records/compare-keys.js';
import { unsignedQuantity } from '../records/ledger-line.js';
import type { Row } from '../records/tables.js';
import { sumNumeric } from '../records/values.js';

type Line = Row<'txn.wallet_entry'>;
type Definition = Row<'loyalty.wallet_definition'>;

const LOYALTY_WALLETS: ReadonlySet<string> = new Set(['POINT', 'REDEEM', 'MEMBER_REWARD']);

/** What one transaction added to and redeemed from one loyalty wallet; amounts are numeric text. */
export interface WalletChange {
  readonly definition: Definition;
  readonly added: string;
  readonly redeemed: string;
  readonly hasRedeemed: boolean;
  /** As of the commit. */
  readonly balance: string | null;
}

const QUANTITY = 'txn.wallet_entry.quantity';

/**
 * The account's ACCRUED and REDEEMED lines on loyalty wallets, by wallet in the wallets' order. Expiry, transfers and
 * adjustments that stand in the same transaction are not the guest's doing.
 * @throws UnparsableValue
 */
export function loyaltyChanges(lines: readonly Line[], account: AccountFacts, facts: Facts): WalletChange[] {
  const byWallet = new Map<
    string,
    { definition: Definition; added: string[]; redeemed: string[]; last: Line }
  >();
  for (const line of lines) {
    if (line.entry_kind !== 'ACCRUED' && line.entry_kind !== 'REDEEMED') continue;
    if (line.account_id !== account.account.account_id) continue;
    let change = byWallet.get(line.wallet_code);
    if (change === undefined) {
      const definition = facts.walletDefinition(line.merchant_id, line.wallet_code);
      if (definition === null || !LOYALTY_WALLETS.has(definition.wallet_type)) continue;
      byWallet.set(line.wallet_code, (change = { definition, added: [], redeemed: [], last: line }));
    }
    (line.entry_kind === 'ACCRUED' ? change.added : change.redeemed).push(unsignedQuantity(line));
    change.last = line;
  }
  const changes = [...byWallet.values()].map(({ definition, added, redeemed, last }) => ({
    definition,
    added: sumNumeric(added, QUANTITY),
    redeemed: sumNumeric(redeemed, QUANTITY),
    hasRedeemed: redeemed.length > 0,
    balance: balanceOf(account, definition.wallet_code) ?? last.balance_after,
  }));
  return changes.length > 1 ? changes.sort((a, b) => compareWallets(a.definition, b.definition)) : changes;
}

export function balanceOf(account: AccountFacts, walletCode: string): string | null {
  return account.wallets?.find((wallet) => wallet.definition.wallet_code === walletCode)?.balance ?? null;
}

function compareWallets(a: Definition, b: Definition): number {
  return Number(a.sort_order) - Number(b.sort_order) || compareKeys(a.wallet_code, b.wallet_code);
}
