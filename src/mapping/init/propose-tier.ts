import { keyOf, type CatalogueColumn } from './catalogue.js';
import { pick } from './columns.js';
import { FeedDraft } from './feed-draft.js';
import type { ProposedFeed, ProposedRows } from './proposal.js';
import type { Reference } from './reference.js';
import { CARD_TEMPLATE, holderOf, MERCHANT, type Setting } from './setting.js';
import { GUEST_WISHES } from './wishes/guest.js';
import { STORE_WISHES } from './wishes/store.js';
import { endsWith, wordsOf } from './words.js';

/** The tier of an account: a code, or a reference to a table of tiers. */
export type TierSource =
  | { readonly tag: 'column'; readonly column: CatalogueColumn }
  | { readonly tag: 'table'; readonly column: CatalogueColumn; readonly reference: Reference };

export function tierOf(setting: Setting): TierSource | null {
  const { references } = setting.world;
  const table = holderOf(setting);
  const reference = references
    .from(table)
    .find(({ to, columns }) => columns.length === 1 && isTiers(to.name));
  const link = table.columns.find(({ name }) => name === reference?.columns[0]);
  if (reference !== undefined && link !== undefined) return { tag: 'table', column: link, reference };
  const code = pick(table, GUEST_WISHES.tier, ({ name }) => references.isReference(table, name))?.column;
  return code === undefined ? null : { tag: 'column', column: code };
}

function isTiers(name: string): boolean {
  const words = wordsOf(name);
  return endsWith(words, ['tier']) || endsWith(words, ['level']);
}

/** What the tiers are called; null: nothing says it. */
export function proposeTiers(setting: Setting): ProposedFeed | ProposedRows | null {
  const found = tierOf(setting);
  if (found === null) return null;
  if (found.tag === 'table') {
    const { to } = found.reference;
    const draft = new FeedDraft({
      record: 'tier',
      table: to,
      confidence: 'high',
      notes: [`The accounts name their tier there by ${found.column.name}.`],
    });
    const key = keyOf(to) ?? [];
    const [code] = found.reference.referenced;
    draft.set('card_template_code', { value: CARD_TEMPLATE });
    draft.set('tier_code', code ?? key[0] ?? found.column.name);
    draft.set('label', pick(to, STORE_WISHES.name)?.column.name ?? code ?? found.column.name);
    return draft.finish();
  }
  const values = found.column.values ?? [];
  if (values.length === 0) return null;
  return {
    tag: 'rows',
    record: 'tier',
    notes: [`The codes found in ${found.column.name}; labels are what is shown.`],
    rows: values.map((value) => ({
      merchant_id: MERCHANT,
      card_template_code: CARD_TEMPLATE,
      tier_code: value,
      label: value,
    })),
  };
}
