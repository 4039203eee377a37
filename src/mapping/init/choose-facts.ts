import { fullName, kindOf, type CatalogueTable } from './catalogue.js';
import { choose, Judgement, type Candidate, type Choice } from './choice.js';
import { pick } from './columns.js';
import type { Path } from './feed-draft.js';
import { accountPath, storePath, type Setting } from './setting.js';
import type { RecordRole } from './vocabulary.js';
import { FACT_WISHES } from './wishes/fact.js';
import { hasKey, placeOf, type World } from './world.js';

/** Records of something that a guest did. */
export type FactRole = Extract<
  RecordRole,
  'transaction' | 'recharge' | 'check_in' | 'wallet_entry' | 'survey_response' | 'referral'
>;

export interface FactChoice extends Choice {
  /** To the account it is about. */
  readonly path: Path;
}

/** Whether a record of what guests did is worth less without a time, or without an amount. */
const NEEDS: Readonly<
  Record<FactRole, { readonly amount: 'must' | 'helps' | 'no'; readonly time: boolean }>
> = {
  transaction: { amount: 'helps', time: true },
  recharge: { amount: 'must', time: true },
  check_in: { amount: 'no', time: true },
  wallet_entry: { amount: 'no', time: true },
  survey_response: { amount: 'no', time: true },
  referral: { amount: 'no', time: true },
};
const UNNAMED = 0.2;
const SURELY = 0.75;

export function chooseFact(
  setting: Setting,
  role: FactRole,
  taken: ReadonlySet<CatalogueTable>,
): FactChoice | null {
  const candidates = setting.world.tables
    .filter((table) => !taken.has(table))
    .map((table) => judgeFact(setting, role, table));
  const choice = choose(candidates);
  if (choice === null) return null;
  const path = accountPath(setting, choice.table);
  return path === null ? null : { ...choice, path };
}

function judgeFact(setting: Setting, role: FactRole, table: CatalogueTable): Candidate {
  const { world } = setting;
  const nothing = new Judgement(table, 0).candidate();
  const path = accountPath(setting, table);
  if (path === null || !hasKey(table)) return nothing;
  const time = timeOf(role, table);
  const amount = pick(table, FACT_WISHES.amount, isReferenceOf(world, table));
  if (NEEDS[role].amount === 'must' && amount === null) return nothing;
  const named = world.named(role, table);
  const unnamed =
    role === 'transaction' &&
    named === 0 &&
    path.length === 1 &&
    time !== null &&
    amount !== null &&
    speaksForNothing(world, table);
  if (named === 0 && !unnamed) return nothing;
  const judgement = new Judgement(table, unnamed ? UNNAMED : named);
  judgeWay(judgement, role, path, world);
  if (time === null) judgement.add(-0.15, 'it has no time of its own');
  else judgement.add(0.1, `${time} says when`);
  if (amount !== null && NEEDS[role].amount !== 'no')
    judgement.add(0.1, `${amount.column.name} says how much`);
  if (storePath(setting, table) !== null) judgement.add(0.05, 'it leads to a store');
  judgeMeaning(setting, role, table, judgement);
  if (role === 'transaction') judgeTransaction(setting, table, judgement);
  return judgement.candidate();
}

function judgeWay(judgement: Judgement, role: FactRole, path: Path, world: World): void {
  const [first] = path;
  if (first === undefined) return;
  const others = path.slice(1).map(({ from }) => from);
  if (others.length === 0) {
    judgement.add(0.15, `${placeOf(first)} ${first.declared ? 'refers' : 'seems to refer'} to the guest`);
    return;
  }
  const way = `it leads to the guest by way of ${others.map(fullName).join(' and ')}`;
  const sale = others.find((table) => world.named('transaction', table) > 0.5);
  // A payment of an order puts nothing onto a card.
  if (role === 'recharge' && sale !== undefined) judgement.add(-0.15, `${way}, so it may only pay for that`);
  else judgement.add(0, way);
}

/** What the name alone does not tell. */
function judgeMeaning({ world }: Setting, role: FactRole, table: CatalogueTable, judgement: Judgement): void {
  if (role === 'recharge' && world.named('recharge', table) < SURELY) {
    judgement.add(-0.2, 'what is paid may be for something else than a card');
  }
  const rated = world.references.from(table).find(({ to }) => world.otherRole(to) === 'product');
  if (role === 'survey_response' && rated !== undefined) {
    judgement.add(-0.2, `it is about ${fullName(rated.to)}, so it may be no survey`);
  }
}

function judgeTransaction({ world, guest }: Setting, table: CatalogueTable, judgement: Judgement): void {
  const line = world.references.to(table).find(({ from }) => world.otherRole(from) === 'line');
  if (line !== undefined) judgement.add(0.1, `${fullName(line.from)} has lines of it`);
  const [rows, guests] = [table.rows, guest.rows];
  if (rows !== null && guests !== null && rows > guests)
    judgement.add(0.05, 'it has more rows than there are guests');
  if (world.named('recharge', table) > world.named('transaction', table)) {
    judgement.add(-0.1, 'its name is rather that of payments');
  }
}

/** The name of the column that says when; null: none does. */
function timeOf(role: FactRole, table: CatalogueTable): string | null {
  const wish = role === 'check_in' ? FACT_WISHES.checkedInAt : FACT_WISHES.actedAt;
  return (pick(table, wish) ?? pick(table, FACT_WISHES.recordedAt))?.column.name ?? null;
}

/** Its name means no record and no part of one. */
function speaksForNothing(world: World, table: CatalogueTable): boolean {
  const roles: readonly RecordRole[] = [
    'guest',
    'account',
    'card',
    'store',
    'recharge',
    'check_in',
    'referral',
    'wallet',
    'wallet_entry',
    'survey',
    'survey_response',
  ];
  return world.otherRole(table) === null && roles.every((role) => world.named(role, table) === 0);
}

function isReferenceOf(world: World, table: CatalogueTable): (column: { readonly name: string }) => boolean {
  return ({ name }) => world.references.isReference(table, name);
}

export function chooseStore(world: World, guest: CatalogueTable): Choice | null {
  const candidates = world.tables
    .filter((table) => table !== guest)
    .map((table) => {
      const named = world.named('store', table);
      if (named === 0 || !hasKey(table)) return new Judgement(table, 0).candidate();
      const judgement = new Judgement(table, named);
      const from = world.references.to(table).filter((reference) => reference.from !== table);
      const fact = from.find((reference) => world.named('transaction', reference.from) > 0.5) ?? from[0];
      if (fact === undefined) judgement.add(-0.3, 'nothing refers to it');
      else judgement.add(0.1, `${placeOf(fact)} refers to it`);
      if (hasPlace(world, table)) judgement.add(0.1, 'it has an address');
      return judgement.candidate();
    });
  return choose(candidates);
}

function hasPlace(world: World, table: CatalogueTable): boolean {
  return (
    table.columns.some(
      ({ name, ...rest }) =>
        /city|address|postal|zip|latitude/i.test(name) && kindOf({ name, ...rest }) !== 'other',
    ) || world.references.from(table).some(({ to }) => world.otherRole(to) === 'place')
  );
}

/** A table of cards that lead to guests, with the column of their numbers. */
export function chooseCard(world: World, guest: CatalogueTable): Choice | null {
  const candidates = world.tables
    .filter((table) => table !== guest)
    .map((table) => {
      const path = world.path(table, guest);
      const judgement = new Judgement(
        table,
        path === null || !hasKey(table) ? 0 : world.named('card', table),
      );
      if (path?.length === 1) judgement.add(0.1, 'it refers to the guest');
      return judgement.candidate();
    });
  return choose(candidates, 0.7);
}
