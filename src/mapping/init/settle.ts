import { columnOf, keyOf, type Catalogue, type CatalogueTable } from './catalogue.js';
import { chooseCard, chooseStore } from './choose-facts.js';
import { chooseAccount, type AccountChoice } from './choose-people.js';
import type { Choice } from './choice.js';
import { translate } from './code-words.js';
import { pick } from './columns.js';
import type { CardSource, OnlyGuests, Setting, Wallets } from './setting.js';
import { FACT_WISHES } from './wishes/fact.js';
import { GUEST_WISHES } from './wishes/guest.js';
import type { World } from './world.js';

/** Settles what everything else refers to. `guest` has a key. */
export function settle(world: World, guest: Choice, zone: string): Setting | null {
  const guestKey = keyOf(guest.table);
  if (guestKey === null) return null;
  const account = chooseAccount(world, guest.table);
  const card = cardSource(world, guest.table, account, guestKey);
  return {
    world,
    guest: guest.table,
    guestKey,
    account,
    store: chooseStore(world, guest.table),
    card,
    wallets: walletsOf(world, account?.table ?? guest.table, card),
    onlyGuests: onlyGuests(guest.table),
    zone,
    currency: currencyOf(world.catalogue),
  };
}

function cardSource(
  world: World,
  guest: CatalogueTable,
  account: AccountChoice | null,
  guestKey: readonly string[],
): CardSource | null {
  const choice = chooseCard(world, guest);
  const target = account !== null && !account.onePerGuest ? account.table : guest;
  const path = choice === null ? null : world.path(choice.table, target);
  const number = choice === null ? null : pick(choice.table, CARD_TABLE_NUMBER);
  if (choice !== null && path !== null && number !== null) {
    return { tag: 'table', choice, number: number.column.name, path };
  }
  const holder = account?.table ?? guest;
  const own = pick(
    holder,
    GUEST_WISHES.cardNumber,
    ({ name }) => guestKey.includes(name) || world.references.isReference(holder, name),
  );
  return own === null ? null : { tag: 'column', table: holder, number: own.column.name };
}

const CARD_TABLE_NUMBER = {
  kinds: ['text', 'int'],
  names: [
    [1, 'card number, card no, number, no, card code, code, barcode, printed number'],
    [0.5, 'id, token'],
  ],
  not: 'pin cvv security',
} as const;

/** Where points and money stand: with the account, else with its card. */
function walletsOf(world: World, holder: CatalogueTable, card: CardSource | null): Wallets {
  const own = balancesIn(world, holder);
  if (own.points !== null || own.storedValue !== null || card?.tag !== 'table') return own;
  return balancesIn(world, card.choice.table);
}

function balancesIn({ references }: World, holder: CatalogueTable): Wallets {
  const except = ({ name }: { readonly name: string }): boolean => references.isReference(holder, name);
  return {
    holder,
    points: pick(holder, GUEST_WISHES.points, except)?.column.name ?? null,
    storedValue: pick(holder, GUEST_WISHES.storedValue, except)?.column.name ?? null,
  };
}

const CUSTOMERS = { GUEST: 'customer member guest client user patron shopper consumer' };

/** Of a table of all who may log in. */
function onlyGuests(guest: CatalogueTable): OnlyGuests | null {
  const role = pick(guest, GUEST_WISHES.role)?.column;
  const all = role?.values ?? [];
  const values = [...translate(all, CUSTOMERS).codes.keys()];
  const others = all.filter((value) => !values.includes(value));
  return role === undefined || values.length === 0 || others.length === 0
    ? null
    : { column: role.name, values, others };
}

/** The one currency that all rows of some table have. */
function currencyOf({ tables }: Catalogue): string | null {
  for (const table of tables) {
    const found = pick(table, FACT_WISHES.currency);
    const values = found === null ? null : (columnOf(table, found.column.name)?.values ?? null);
    const [only, more] = values ?? [];
    if (only !== undefined && more === undefined && /^[A-Z]{3}$/.test(only)) return only;
  }
  return null;
}

const REGION = /^[A-Z][A-Za-z_]+\/[A-Za-z_/-]+$/;

/** The server's zone where it is that of a region; a server that counts in UTC says nothing of where the brand is. */
export function zoneOf({ serverZone, tables }: Catalogue): {
  readonly zone: string;
  readonly notes: readonly string[];
} {
  const hasNaive = tables.some(({ columns }) => columns.some(({ type }) => type === 'timestamp'));
  if (REGION.test(serverZone) && !serverZone.startsWith('Etc/') && isZone(serverZone)) {
    return {
      zone: serverZone,
      notes: [
        "The server's TimeZone: for times and dates without a zone of their own.",
        ...(hasNaive ? ['If an application writes them in UTC, as many do, write UTC here.'] : []),
      ],
    };
  }
  return {
    zone: 'UTC',
    notes: [
      `TODO the region whose clocks the times without a zone show: the server's TimeZone is ${serverZone}.`,
    ],
  };
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
