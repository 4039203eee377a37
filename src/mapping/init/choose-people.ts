import { fullName, keyOf, isUnique, type CatalogueTable } from './catalogue.js';
import { choose, Judgement, LIKELY, type Candidate, type Choice } from './choice.js';
import { pick } from './columns.js';
import type { Reference } from './reference.js';
import type { RecordRole } from './vocabulary.js';
import { GUEST_WISHES } from './wishes/guest.js';
import { hasKey, placeOf, type World } from './world.js';
import { wordsOf } from './words.js';

const FACTS: readonly RecordRole[] = ['transaction', 'recharge', 'check_in', 'wallet_entry'];
const EMPLOYED = new Set(['salary', 'hire', 'hired', 'wage', 'payroll', 'employment']);
const UNNAMED = 0.4;

/** The table of the people that events are about. */
export function chooseGuest(world: World): Choice | null {
  return choose(world.tables.map((table) => judgeGuest(world, table)));
}

function judgeGuest(world: World, table: CatalogueTable): Candidate {
  const named = world.named('guest', table);
  const facts = factsNaming(world, table);
  const people = world.hasPersonNames(table) || profileOf(world, table) !== null;
  const unnamed = named === 0 && facts.length > 0 && looksLikePeople(world, table);
  const judgement = new Judgement(table, unnamed ? UNNAMED : named);
  if (named === 0 && !unnamed) return judgement.candidate();
  if (people) judgement.add(0.1, 'it has names of people');
  if (pick(table, GUEST_WISHES.email) !== null || pick(table, GUEST_WISHES.phone) !== null) {
    judgement.add(0.05, 'it has e-mail addresses or phone numbers');
  }
  const [first] = facts;
  if (first !== undefined) judgement.add(0.25, `${placeOf(first)} refers to it`);
  else judgement.add(-0.2, 'no table of sales or visits refers to it');
  if (table.columns.some(({ name }) => wordsOf(name).some((word) => EMPLOYED.has(word)))) {
    judgement.add(-0.4, 'its columns are those of employees');
  }
  if (!hasKey(table)) judgement.add(-0.3, 'it has no primary key');
  return judgement.candidate();
}

/** Whatever it is called. */
function looksLikePeople(world: World, table: CatalogueTable): boolean {
  const wishes = [GUEST_WISHES.firstName, GUEST_WISHES.lastName, GUEST_WISHES.email];
  return (
    wishes.some((wish) => pick(table, wish) !== null) &&
    world.otherRole(table) === null &&
    world.named('store', table) < LIKELY &&
    !isFact(world, table)
  );
}

function isFact(world: World, table: CatalogueTable): boolean {
  return FACTS.some((role) => world.named(role, table) > 0) || world.named('card', table) > 0;
}

/** References from tables of what guests do. */
function factsNaming(world: World, table: CatalogueTable): readonly Reference[] {
  return world.references
    .to(table)
    .filter(({ from }) => from !== table && isFact(world, from))
    .toSorted((a, b) => placeOf(a).localeCompare(placeOf(b)));
}

/** One row of another table for each of these, with names in it: a person, a profile. */
export function profileOf(world: World, guest: CatalogueTable): ProfileLink | null {
  const forward = world.references
    .from(guest)
    .find(({ to }) => to !== guest && isProfile(to) && world.hasPersonNames(to));
  if (forward !== undefined) return { table: forward.to, path: [forward] };
  const key = keyOf(guest);
  const backward = world.references
    .to(guest)
    .find(
      ({ from, columns, referenced }) =>
        from !== guest &&
        isProfile(from) &&
        isUnique(from, columns) &&
        world.hasPersonNames(from) &&
        key?.every((name) => referenced.includes(name)) === true,
    );
  return backward === undefined ? null : { table: backward.from, path: [reversed(backward)] };
}

export interface ProfileLink {
  readonly table: CatalogueTable;
  readonly path: readonly Reference[];
}

/** A reference by a unique key leads back to one row at most. */
export function reversed({ from, columns, to, referenced, declared }: Reference): Reference {
  return { from: to, columns: referenced, to: from, referenced: columns, declared, optional: true };
}

function isProfile(table: CatalogueTable): boolean {
  const last = wordsOf(table.name).at(-1) ?? '';
  return ['person', 'profile', 'contact', 'party', 'user', 'individual', 'detail', 'info'].includes(last);
}

/** Accounts apart from guests: worth the name where they hold what accounts hold. */
export function chooseAccount(world: World, guest: CatalogueTable): AccountChoice | null {
  const choice = choose(
    world.tables.filter((table) => table !== guest).map((table) => judgeAccount(world, table, guest)),
    0.7,
  );
  if (choice === null) return null;
  const reference = world.references.from(choice.table).find(({ to }) => to === guest);
  if (reference === undefined) return null;
  return { ...choice, reference, onePerGuest: isUnique(choice.table, reference.columns) };
}

export interface AccountChoice extends Choice {
  readonly reference: Reference;
  readonly onePerGuest: boolean;
}

function judgeAccount(world: World, table: CatalogueTable, guest: CatalogueTable): Candidate {
  const judgement = new Judgement(table, world.named('account', table));
  const reference = world.references.from(table).find(({ to }) => to === guest);
  if (reference === undefined || !hasKey(table)) return new Judgement(table, 0).candidate();
  const holds = [GUEST_WISHES.points, GUEST_WISHES.cardNumber, GUEST_WISHES.tier, GUEST_WISHES.storedValue];
  const has = holds.filter((wish) => pick(table, wish) !== null).length;
  const facts = world.references.to(table).filter(({ from }) => isFact(world, from));
  if (facts.length > 0)
    judgement.add(0.2, `${facts.map(({ from }) => fullName(from)).join(', ')} refer to it`);
  if (has > 0) judgement.add(0.2, 'it holds points, a card or a tier');
  if (facts.length === 0 && has === 0) judgement.add(-0.5, 'it holds nothing of an account');
  return judgement.candidate();
}
