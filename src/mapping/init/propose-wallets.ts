import { columnOf, keyOf, type CatalogueTable } from './catalogue.js';
import { pick } from './columns.js';
import { notesOf, type Choice } from './choice.js';
import { FeedDraft, type Path } from './feed-draft.js';
import type { ProposedFeed, ProposedRows } from './proposal.js';
import {
  accountId,
  accountPath,
  begin,
  CARD_TEMPLATE,
  MERCHANT,
  POINTS_WALLET,
  STORED_VALUE_WALLET,
  type CardSource,
  type Setting,
} from './setting.js';
import { moneyValue, optionalMoment } from './values.js';
import { GUEST_WISHES } from './wishes/guest.js';
import { LEDGER_WISHES } from './wishes/ledger.js';

export function proposeCardTemplate(): ProposedRows {
  return {
    tag: 'rows',
    record: 'card_template',
    notes: ['One program for all accounts.'],
    rows: [
      { merchant_id: MERCHANT, card_template_code: CARD_TEMPLATE, label: 'Loyalty', program_kind: 'LOYALTY' },
    ],
  };
}

/** Wallets that some table has balances or movements of. */
export function proposeWalletDefinitions(
  setting: Setting,
  needed: { readonly points: boolean; readonly storedValue: boolean },
): ProposedRows | null {
  const rows: Record<string, string | number | boolean>[] = [];
  if (needed.points) {
    rows.push({
      merchant_id: MERCHANT,
      wallet_code: POINTS_WALLET,
      label: 'Points',
      wallet_type: 'POINT',
      value_kind: 'POINTS',
      unit: 'points',
      scale: 0,
    });
  }
  if (needed.storedValue) {
    rows.push({
      merchant_id: MERCHANT,
      wallet_code: STORED_VALUE_WALLET,
      label: 'Stored value',
      wallet_type: 'STORED_VALUE',
      value_kind: 'CURRENCY',
      scale: 2,
      currency: setting.currency ?? 'USD',
      sort_order: 1,
    });
  }
  if (rows.length === 0) return null;
  return {
    tag: 'rows',
    record: 'wallet_definition',
    notes: ['Labels are what is shown: change them as you like.'],
    rows,
  };
}

/** Balances that stand in the rows of accounts or cards themselves. */
export function proposeWallets(setting: Setting): ProposedFeed[] {
  const { holder, points, storedValue } = setting.wallets;
  const path = accountPath(setting, holder);
  if (path === null) return [];
  const wallets = [
    { name: points, code: POINTS_WALLET, what: 'points' },
    { name: storedValue, code: STORED_VALUE_WALLET, what: 'stored value' },
  ];
  return wallets.flatMap(({ name, code, what }) => {
    const column = name === null ? undefined : columnOf(holder, name);
    if (column === undefined) return [];
    const notes = [`The balance of ${what} stands in ${column.name}.`];
    const draft = begin(setting, { record: 'wallet', table: holder, confidence: 'high', notes });
    draft.set('account_id', accountId(setting, draft, path));
    draft.set('wallet_code', { value: code });
    const balance =
      code === POINTS_WALLET ? { value: column.name, why: null } : moneyValue(column, column.name);
    draft.set(
      'balance',
      column.nullable ? { first: [balance.value, { value: 0 }] } : balance.value,
      balance.why,
    );
    const lifetime =
      code === POINTS_WALLET
        ? pick(holder, GUEST_WISHES.lifetimePoints, (each) => each === column)?.column
        : undefined;
    if (lifetime !== undefined) {
      draft.set(
        'lifetime_added',
        lifetime.nullable ? { first: [lifetime.name, { value: 0 }] } : lifetime.name,
      );
    }
    return [draft.finish()];
  });
}

/** A table of balances, by account. */
export function proposeWalletTable(
  setting: Setting,
  choice: Choice & { readonly path: Path },
): ProposedFeed | null {
  const { table, path, confidence } = choice;
  const balance = pick(table, LEDGER_WISHES.balance)?.column;
  if (balance === undefined) return null;
  const draft = new FeedDraft({ record: 'wallet', table, confidence, notes: notesOf(choice) });
  draft.set('account_id', accountId(setting, draft, path));
  draft.set(
    'wallet_code',
    { value: POINTS_WALLET },
    'TODO if it holds several wallets: the column that tells them apart',
  );
  draft.set('balance', balance.nullable ? { first: [balance.name, { value: 0 }] } : balance.name);
  return draft.finish();
}

export function proposeCard(setting: Setting, card: CardSource): ProposedFeed {
  return card.tag === 'column'
    ? cardOfMember(setting, card.table, card.number)
    : cardOfTable(setting, card.choice, card.number, card.path);
}

/** One card for each account, so the account's key is the card's. */
function cardOfMember(setting: Setting, table: CatalogueTable, number: string): ProposedFeed {
  const notes = [
    `The number stands in ${number}; one card for each account, so the card has the account's key.`,
  ];
  const draft = begin(setting, { record: 'card', table, confidence: 'high', notes });
  const own = accountId(setting, draft, accountPath(setting, table) ?? []);
  if (columnOf(table, number)?.nullable !== false) draft.where(number, { set: true });
  draft.set('card_id', own);
  draft.set('account_id', own);
  draft.set('printed_card_number', number);
  draft.set('is_primary', { value: true });
  return draft.finish();
}

function cardOfTable(setting: Setting, choice: Choice, number: string, path: Path): ProposedFeed {
  const { table, confidence } = choice;
  const draft = new FeedDraft({ record: 'card', table, confidence, notes: notesOf(choice) });
  draft.set('card_id', draft.keyAt([], keyOf(table) ?? []));
  draft.set('account_id', accountId(setting, draft, path));
  draft.set('printed_card_number', number);
  const primary = pick(table, {
    kinds: ['bool'],
    names: [[1, 'is primary, primary, is default, default, is current']],
  });
  if (primary === null)
    draft.set(
      'is_primary',
      { value: true },
      'TODO if an account has several: which of them is the one shown',
    );
  else draft.set('is_primary', primary.column.name);
  const activated = pick(table, ACTIVATED);
  if (activated !== null) {
    const { value, why } = optionalMoment(activated.column, activated.column.name);
    draft.set('activated_at', value, why);
  }
  return draft.finish();
}

const ACTIVATED = {
  kinds: ['timestamptz', 'timestamp', 'date'],
  names: [
    [1, 'activated at, activated on, activation date, activated, issued at, issued on, issue date'],
    [0.7, 'created at, created'],
  ],
} as const;
