import { fullName, keyOf, type CatalogueColumn, type CatalogueTable } from './catalogue.js';
import { notesOf, type Choice } from './choice.js';
import { pick, type Wish } from './columns.js';
import { FeedDraft, idOf, type Path } from './feed-draft.js';
import type { ProposedFeed } from './proposal.js';
import type { Setting } from './setting.js';
import { STORE_WISHES } from './wishes/store.js';
import { wordsOf } from './words.js';
import type { World } from './world.js';

export function proposeStore(setting: Setting, choice: Choice): ProposedFeed {
  const { world, zone } = setting;
  const { table, confidence } = choice;
  const draft = new FeedDraft({ record: 'store', table, confidence, notes: notesOf(choice) });
  const key = keyOf(table) ?? [];
  const code = pick(table, STORE_WISHES.code, ({ name }) => key.includes(name))?.column;
  draft.set('store_id', idOf(key));
  draft.set('store_code', code?.name ?? idOf(key), code === undefined ? 'no code of its own: the key' : null);
  const name = pick(table, STORE_WISHES.name)?.column;
  if (name !== undefined) draft.set('store_name', name.name);
  else {
    const named = { concat: [{ value: 'Store' }, ...key], separator: ' ' };
    draft.set('store_name', named, 'no name of its own');
  }
  place(world, draft);
  const ownZone = pick(table, STORE_WISHES.zone)?.column;
  if (ownZone === undefined) draft.set('timezone', { value: zone });
  else draft.set('timezone', ownZone.nullable ? { first: [ownZone.name, { value: zone }] } : ownZone.name);
  return draft.finish();
}

const PLACE: readonly (readonly [column: string, wish: Wish])[] = [
  ['city', STORE_WISHES.city],
  ['state_province', STORE_WISHES.state],
  ['postal_code', STORE_WISHES.postalCode],
  ['country', STORE_WISHES.country],
  ['latitude', STORE_WISHES.latitude],
  ['longitude', STORE_WISHES.longitude],
];

/** Each part of the address from the store itself, or from where its references lead: address, city, country. */
function place(world: World, draft: FeedDraft): void {
  const around = placesAround(world, draft.table);
  for (const [column, wish] of PLACE) {
    for (const { table, path } of [{ table: draft.table, path: [] as Path }, ...around]) {
      const found = partOf(world, table, wish, path);
      if (found === undefined) continue;
      draft.set(column, draft.at(path, found.name), path.length === 0 ? null : `of ${fullName(table)}`);
      break;
    }
  }
}

/** In `city` the city is also called `name`. */
function partOf(world: World, table: CatalogueTable, wish: Wish, path: Path): CatalogueColumn | undefined {
  const found = pick(table, wish, ({ name }) => world.references.isReference(table, name))?.column;
  const last = wordsOf(table.name).at(-1) ?? '';
  const isTheTable = path.length > 0 && wish.names.some(([, names]) => names.split(', ').includes(last));
  if (!isTheTable) return found;
  const named = pick(table, STORE_WISHES.name)?.column;
  return found !== undefined && wordsOf(found.name).length === 1 && found.name !== named?.name
    ? found
    : (named ?? found);
}

interface Around {
  readonly table: CatalogueTable;
  readonly path: Path;
}

const MAX_STEPS = 4;

/** Tables of places, nearest first. */
function placesAround(world: World, from: CatalogueTable): readonly Around[] {
  const found: Around[] = [];
  const seen = new Set([from]);
  let edge: Around[] = [{ table: from, path: [] }];
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const next: Around[] = [];
    for (const { table, path } of edge) {
      for (const reference of world.references.from(table)) {
        if (seen.has(reference.to) || world.otherRole(reference.to) !== 'place') continue;
        seen.add(reference.to);
        next.push({ table: reference.to, path: [...path, reference] });
      }
    }
    found.push(...next);
    edge = next;
  }
  return found;
}
