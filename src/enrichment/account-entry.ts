import { compareKeys } from '../records/compare-keys.js';
import type { Row } from '../records/tables.js';
import type { AccountFacts, WalletFacts } from './facts.js';

/** A wallet as last known: `account_wallet`'s row, with the balance kept apart because ledger lines move it too. */
interface WalletState {
  row: Row<'loyalty.account_wallet'>;
  balance: string;
}

/** What else an account's facts are made of; compared by identity to know whether the last answer still holds. */
export interface AccountSurroundings {
  readonly guest: Row<'loyalty.guest'> | null;
  readonly template: Row<'loyalty.card_template'> | null;
  readonly tier: Row<'loyalty.tier'> | null;
  /** The merchant's wallet definitions by code; a new map whenever one of them changes. */
  readonly definitions: ReadonlyMap<string, Row<'loyalty.wallet_definition'>>;
  /** False: the schema has no wallets of accounts. It never changes. */
  readonly hasWallets: boolean;
}

/** One account in memory, kept current by the stream, with the facts derived from it cached until something changes. */
export class AccountEntry {
  #account: Row<'loyalty.account'>;
  #primaryCard: Row<'loyalty.card'> | null = null;
  readonly #wallets = new Map<string, WalletState>();
  #facts: AccountFacts | null = null;
  #factsFrom: AccountSurroundings | null = null;

  constructor(account: Row<'loyalty.account'>) {
    this.#account = account;
  }

  get account(): Row<'loyalty.account'> {
    return this.#account;
  }

  get primaryCard(): Row<'loyalty.card'> | null {
    return this.#primaryCard;
  }

  setAccount(account: Row<'loyalty.account'>): void {
    this.#account = account;
    this.#facts = null;
  }

  /** Takes a changed card into account: it may have become the primary one, or ceased to be. */
  cardChanged(card: Row<'loyalty.card'>): void {
    const isPrimary = card.is_primary === 't' && card.account_id === this.#account.account_id;
    if (isPrimary) this.#primaryCard = card;
    else if (this.#primaryCard?.card_id === card.card_id) this.#primaryCard = null;
    else return;
    this.#facts = null;
  }

  cardGone(cardId: string): void {
    if (this.#primaryCard?.card_id !== cardId) return;
    this.#primaryCard = null;
    this.#facts = null;
  }

  setWallet(row: Row<'loyalty.account_wallet'>, balance: string): void {
    this.#wallets.set(row.wallet_code, { row, balance });
    this.#facts = null;
  }

  wallet(walletCode: string): Row<'loyalty.account_wallet'> | null {
    return this.#wallets.get(walletCode)?.row ?? null;
  }

  walletGone(walletCode: string): void {
    if (this.#wallets.delete(walletCode)) this.#facts = null;
  }

  /** A ledger line's `balance_after`. Lines of a wallet without an `account_wallet` row are no wallet of the account. */
  setBalance(walletCode: string, balance: string): void {
    const wallet = this.#wallets.get(walletCode);
    if (wallet === undefined || wallet.balance === balance) return;
    wallet.balance = balance;
    this.#facts = null;
  }

  /** The same object as long as neither the account nor its surroundings changed. */
  facts(surroundings: AccountSurroundings): AccountFacts {
    const from = this.#factsFrom;
    if (
      this.#facts !== null &&
      from !== null &&
      from.guest === surroundings.guest &&
      from.template === surroundings.template &&
      from.tier === surroundings.tier &&
      from.definitions === surroundings.definitions
    ) {
      return this.#facts;
    }
    this.#factsFrom = surroundings;
    this.#facts = {
      account: this.#account,
      guest: surroundings.guest,
      primaryCard: this.#primaryCard,
      template: surroundings.template,
      tierLabel: surroundings.tier?.label ?? null,
      wallets: surroundings.hasWallets ? this.#sortedWallets(surroundings.definitions) : null,
    };
    return this.#facts;
  }

  #sortedWallets(definitions: AccountSurroundings['definitions']): WalletFacts[] {
    const wallets: WalletFacts[] = [];
    for (const [code, { row, balance }] of this.#wallets) {
      const definition = definitions.get(code);
      if (definition === undefined) continue;
      wallets.push({
        definition,
        balance,
        lifetimeAdded: row.lifetime_added,
        lifetimeRedeemed: row.lifetime_redeemed,
        expirations: row.expirations,
        updatedAt: row.updated_at,
      });
    }
    return wallets.sort(bySortOrderThenCode);
  }
}

function bySortOrderThenCode(a: WalletFacts, b: WalletFacts): number {
  const byOrder = Number(a.definition.sort_order) - Number(b.definition.sort_order);
  return byOrder === 0 ? compareKeys(a.definition.wallet_code, b.definition.wallet_code) : byOrder;
}
