import { fullName, isNameable, keyOf, type Catalogue, type CatalogueTable } from './catalogue.js';
import { picks } from './columns.js';
import type { ProposedFeed, ProposedRows, Unplaced } from './proposal.js';
import { accountPath, type Setting } from './setting.js';
import type { OtherRole } from './vocabulary.js';
import { FACT_WISHES } from './wishes/fact.js';
import type { World } from './world.js';

const WHY: Readonly<Record<OtherRole, string>> = {
  line: 'lines of something else: no event carries them, and a mapping adds nothing up',
  staff: 'employees are no guests',
  product: 'what is sold: no event carries it',
  place: 'a place that no store refers to',
  supplier: 'suppliers and carriers are no guests',
  device: 'devices: no event carries them',
  copy: 'looks like a copy or a log',
  machinery: "an application's own",
  tenant: 'if these are brands of their own, map it as merchant and give merchant_id in every record',
};

/** Why each table that no record is made of is left out. */
export function unplacedTables(
  world: World,
  setting: Setting | null,
  feeds: readonly ProposedFeed[],
  said: ReadonlyMap<CatalogueTable, string>,
): Unplaced[] {
  const used = new Set(feeds.flatMap(({ table, joins }) => [table, ...joins.map((join) => join.table)]));
  return world.tables
    .filter((table) => !used.has(fullName(table)))
    .map((table) => ({ what: fullName(table), why: said.get(table) ?? whyNot(world, setting, table) }));
}

function whyNot(world: World, setting: Setting | null, table: CatalogueTable): string {
  const role = world.otherRole(table);
  if (role === 'copy' || role === 'machinery' || role === 'line') return WHY[role];
  if (keyOf(table) === null) return 'it has no primary key, so its rows cannot be told apart';
  if (isLink(world, table)) return 'only links other tables';
  const path = setting === null ? null : accountPath(setting, table);
  if (path !== null && role !== 'staff') {
    const times = [...picks(table, FACT_WISHES.actedAt), ...picks(table, FACT_WISHES.recordedAt)];
    if (times.length > 0)
      return 'is about guests, and none of the nine events: it can be one of custom_events';
    return 'is about guests, but says nothing that an event carries';
  }
  return role === null ? 'looks like no record' : WHY[role];
}

function isLink(world: World, table: CatalogueTable): boolean {
  return (
    table.columns.length > 1 && table.columns.every(({ name }) => world.references.isReference(table, name))
  );
}

/** Tables that a mapping file cannot name. */
export function unnameable({ tables }: Catalogue): Unplaced[] {
  return tables
    .filter((table) => !isNameable(table))
    .map((table) => ({ what: fullName(table), why: 'a mapping cannot name it: there is a dot in its name' }));
}

/** Columns of tables that records are made of, and that none of those reads: by table. */
export function unreadColumns(
  world: World,
  feeds: readonly ProposedFeed[],
): ReadonlyMap<string, readonly string[]> {
  const unread = new Map<string, readonly string[]>();
  for (const table of world.tables) {
    const own = feeds.filter((feed) => feed.table === fullName(table));
    if (own.length === 0) continue;
    const read = own.map(({ lines, joins, where }) => JSON.stringify([lines, joins, where])).join('');
    const names = table.columns
      .map(({ name }) => name)
      .filter((name) => !read.includes(JSON.stringify(name)));
    if (names.length > 0) unread.set(fullName(table), names);
  }
  return unread;
}

const MAX_NAMES = 12;

/** Said once for each table, at the first record of it. */
export function withUnread<S extends ProposedFeed | ProposedRows>(
  section: S,
  sections: readonly S[],
  unread: ReadonlyMap<string, readonly string[]>,
): S {
  if (section.tag === 'rows') return section;
  const first = sections.find((other) => other.tag === 'feed' && other.table === section.table);
  const names = first === section ? unread.get(section.table) : undefined;
  if (names === undefined) return section;
  const more = names.length - MAX_NAMES;
  const listed = more > 0 ? `${names.slice(0, MAX_NAMES).join(', ')} and ${more} more` : names.join(', ');
  return { ...section, notes: [...section.notes, `No record reads of it: ${listed}.`] };
}
