import { keyOf, type CatalogueTable } from './catalogue.js';
import type { AccountChoice } from './choose-people.js';
import type { Choice } from './choice.js';
import { FeedDraft, type DraftOptions, type Path } from './feed-draft.js';
import type { Value } from './proposal.js';
import type { World } from './world.js';

/** What was settled first, and all else refers to: whose accounts, which stores, which cards, which wallets. */
export interface Setting {
  readonly world: World;
  readonly guest: CatalogueTable;
  /** Of the guests; not empty. */
  readonly guestKey: readonly string[];
  /** Where there are accounts apart from the guests. */
  readonly account: AccountChoice | null;
  readonly store: Choice | null;
  readonly card: CardSource | null;
  /** Wallets that something was found for. */
  readonly wallets: Wallets;
  /** Where not all rows of the guests' table are guests. */
  readonly onlyGuests: OnlyGuests | null;
  readonly zone: string;
  /** Of a column in which all rows agree; null: nothing says it. */
  readonly currency: string | null;
}

/** `table`: a table of cards. `column`: a number in the row of the guest, or of the account. */
export type CardSource =
  | { readonly tag: 'table'; readonly choice: Choice; readonly number: string; readonly path: Path }
  | { readonly tag: 'column'; readonly table: CatalogueTable; readonly number: string };

/** Rows of the guests' table that are guests, by a column that tells. */
export interface OnlyGuests {
  readonly column: string;
  readonly values: readonly string[];
  readonly others: readonly string[];
}

/** Balances that stand in rows of accounts, or of cards. */
export interface Wallets {
  readonly holder: CatalogueTable;
  readonly points: string | null;
  readonly storedValue: string | null;
}

export const POINTS_WALLET = 1;
export const STORED_VALUE_WALLET = 2;
export const MERCHANT = 1;
export const CARD_TEMPLATE = 1;

/** Who wrote a row, who brought somebody, whom they brought: not whose row it is. The higher, the less so. */
const OTHER_SENSE: ReadonlyMap<string, number> = new Map(
  [
    'referrer inviter',
    'created updated modified approved deleted entered by manager parent assigned',
    'referred referee friend invited invitee',
  ].flatMap((words, index) => words.split(' ').map((word): [string, number] => [word, index + 3])),
);

/** The table whose rows are accounts. */
export function holderOf({ account, guest }: Setting): CatalogueTable {
  return account?.table ?? guest;
}

/** A feed with the rows of guests only, if it is of their table. */
export function begin({ onlyGuests, guest }: Setting, options: DraftOptions): FeedDraft {
  const draft = new FeedDraft(options);
  if (options.table === guest && onlyGuests !== null) draft.where(onlyGuests.column, onlyGuests.values);
  return draft;
}

/** How to get from a table to the account that its rows are about. */
export function accountPath(setting: Setting, from: CatalogueTable): Path | null {
  const { world, guest, account } = setting;
  const through = (table: CatalogueTable): boolean => leadsToPeople(world, table);
  const options = { through, otherSense: OTHER_SENSE };
  const target = account !== null && !account.onePerGuest ? account.table : guest;
  if (from === target) return [];
  const path = world.path(from, target, options);
  if (path !== null || account?.onePerGuest !== true) return path;
  if (from === account.table) return [account.reference];
  const toAccount = world.path(from, account.table, options);
  return toAccount === null ? null : [...toAccount, account.reference];
}

/** The people behind a shop, a product or a place have not bought it. */
function leadsToPeople(world: World, table: CatalogueTable): boolean {
  const role = world.otherRole(table);
  return (
    role !== 'staff' &&
    role !== 'place' &&
    role !== 'product' &&
    role !== 'supplier' &&
    role !== 'tenant' &&
    world.named('store', table) < 0.5
  );
}

/** An account's id as the account feed writes it: the guest's own, unless accounts are told apart from them. */
export function accountId(setting: Setting, draft: FeedDraft, path: Path): Value {
  const { account, guestKey } = setting;
  if (account === null || account.onePerGuest) return draft.keyAt(path, guestKey);
  return draft.keyAt(path, keyOf(account.table) ?? []);
}

/** How to get from a table to the store where its rows happened; never by way of the guest, whose store it may not be. */
export function storePath(setting: Setting, from: CatalogueTable): Path | null {
  const { world, store, guest, account, card } = setting;
  if (store === null || from === store.table) return null;
  const people = new Set([guest, account?.table, card?.tag === 'table' ? card.choice.table : undefined]);
  return world.path(from, store.table, {
    through: (table) => {
      const role = world.otherRole(table);
      return !people.has(table) && role !== 'place' && role !== 'supplier' && role !== 'tenant';
    },
    // Whoever served the guest was there; what was sold may have come from elsewhere.
    rather: (table) => world.otherRole(table) === 'staff',
    otherSense: OTHER_SENSE,
  });
}

/** The store of a fact's rows; null: nothing leads to one. */
export function storeId(setting: Setting, draft: FeedDraft): Value | null {
  const { store } = setting;
  const path = storePath(setting, draft.table);
  return store === null || path === null ? null : draft.keyAt(path, keyOf(store.table) ?? []);
}

/** The card that was presented, where the row says it; null: the account's own is told. */
export function cardId(setting: Setting, draft: FeedDraft): Value | null {
  const { card, world } = setting;
  if (card?.tag !== 'table') return null;
  const { table } = card.choice;
  const reference = world.references.from(draft.table).find(({ to }) => to === table);
  return reference === undefined ? null : draft.keyAt([reference], keyOf(table) ?? []);
}
