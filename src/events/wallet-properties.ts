import type { WalletFacts } from '../enrichment/facts.js';
import { nullableTimestampIso } from '../records/timestamps.js';
import {
  booleanValue,
  integerValue,
  isZeroNumeric,
  jsonValue,
  nullableNumeric,
  type JsonNumber,
  type ValueObserver,
} from '../records/values.js';
import type { PropertiesOf } from './schema/kinds.js';
import type { WALLETS, WALLET_BALANCE, WALLET_DETAIL } from './schema/shared-properties.js';
import type { Reduction } from './shrink.js';

export const MAX_FLAT_WALLETS = 50;

type Balance = PropertiesOf<typeof WALLET_BALANCE>;
type Detail = PropertiesOf<typeof WALLET_DETAIL>;
export type WalletProperties = PropertiesOf<typeof WALLETS>;

export const NO_WALLETS: WalletProperties = {
  wallets_info: null,
  flat_wallets_info: null,
  all_wallets_info: null,
};

/** The three views of an account's wallets, in the wallets' order. @throws UnparsableValue */
export function walletProperties(
  wallets: readonly WalletFacts[],
  reduction: Reduction,
  observer?: ValueObserver,
): WalletProperties {
  const visible: Balance[] = [];
  const flat: Record<string, string | JsonNumber | null> = {};
  const all: Detail[] = [];
  for (const wallet of wallets) {
    const { definition } = wallet;
    const isVisible = booleanValue(definition.guest_visible, 'loyalty.wallet_definition.guest_visible');
    const balance = nullableNumeric(wallet.balance, 'loyalty.account_wallet.balance', observer);
    if (isVisible) {
      visible.push({ wallet_code: definition.wallet_code, balance });
      if (visible.length <= MAX_FLAT_WALLETS) {
        const key = `wallet_${definition.wallet_code}`;
        flat[`${key}_code`] = definition.wallet_code;
        flat[`${key}_label`] = definition.label;
        flat[`${key}_balance`] = balance;
      }
    }
    if (!isDropped(wallet, isVisible, reduction))
      all.push(detail(wallet, isVisible, balance, reduction, observer));
  }
  const views = { wallets_info: visible, flat_wallets_info: flat, all_wallets_info: all };
  return visible.length > MAX_FLAT_WALLETS ? { ...views, wallets_truncated: true } : views;
}

function isDropped(wallet: WalletFacts, isVisible: boolean, reduction: Reduction): boolean {
  if (reduction.hidden && !isVisible) return true;
  return reduction.zero && wallet.balance !== null && isZeroNumeric(wallet.balance);
}

function detail(
  wallet: WalletFacts,
  isVisible: boolean,
  balance: JsonNumber | null,
  reduction: Reduction,
  observer: ValueObserver | undefined,
): Detail {
  const { definition } = wallet;
  const before = {
    wallet_code: definition.wallet_code,
    label: definition.label,
    wallet_type: definition.wallet_type,
    value_kind: definition.value_kind,
    unit: definition.unit,
    scale: integerValue(definition.scale, 'loyalty.wallet_definition.scale'),
    currency: definition.currency,
    balance,
    lifetime_added: nullableNumeric(wallet.lifetimeAdded, 'loyalty.account_wallet.lifetime_added', observer),
    lifetime_redeemed: nullableNumeric(
      wallet.lifetimeRedeemed,
      'loyalty.account_wallet.lifetime_redeemed',
      observer,
    ),
    guest_visible: isVisible,
    giftable: booleanValue(definition.giftable, 'loyalty.wallet_definition.giftable'),
  };
  const updated_at = nullableTimestampIso(wallet.updatedAt, 'loyalty.account_wallet.updated_at', observer);
  if (reduction.expirations) return { ...before, updated_at };
  return { ...before, expirations: expirationsOf(wallet.expirations), updated_at };
}

const NONE: readonly unknown[] = [];

/** What is not an array is left for the JSON Schema to refuse: it names the property. */
function expirationsOf(text: string | null): readonly unknown[] | null {
  if (text === null) return null;
  if (text === '[]') return NONE;
  return jsonValue(text, 'loyalty.account_wallet.expirations') as readonly unknown[] | null;
}
