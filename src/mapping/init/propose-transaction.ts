import { columnOf, isNaive, keyOf, kindOf, type CatalogueColumn, type CatalogueTable } from './catalogue.js';
import type { FactChoice } from './choose-facts.js';
import { notesOf } from './choice.js';
import { MODIFIER, ORIGIN, RESULT, translate } from './code-words.js';
import { pick, picks, type Found, type Wish } from './columns.js';
import { FeedDraft, idOf } from './feed-draft.js';
import type { ProposedFeed } from './proposal.js';
import { accountId, cardId, storeId, type Setting } from './setting.js';
import { codesValue, flagAs, flagValue, listed, momentValue, moneyValue, optionalMoment } from './values.js';
import { FACT_WISHES } from './wishes/fact.js';
import type { World } from './world.js';

export function proposeTransaction(setting: Setting, choice: FactChoice): ProposedFeed {
  const { table, path, confidence } = choice;
  const draft = new FeedDraft({ record: 'transaction', table, confidence, notes: notesOf(choice) });
  const key = keyOf(table) ?? [];
  draft.set('transaction_id', idOf(key), key.length > 1 ? 'its columns together' : null);
  draft.set('account_id', accountId(setting, draft, path));
  const card = cardId(setting, draft);
  if (card !== null) draft.set('card_id', card);
  const store = storeId(setting, draft);
  if (store !== null) draft.set('store_id', store);
  draft.set('transaction_type', { value: 'ADD_REDEEM' }, 'what POS Activity says as pos_function');
  origin(draft);
  times(setting, draft);
  tillFields(setting, draft);
  outcome(draft);
  if (amountOf(setting, table) !== undefined)
    draft.set('check_id', idOf(key), 'for the total: see the record check');
  return draft.finish();
}

function origin(draft: FeedDraft): void {
  const column = pick(draft.table, FACT_WISHES.channel)?.column;
  const said =
    column === undefined ? null : codesValue(column, column.name, { meanings: ORIGIN, otherwise: 'POS' });
  if (said !== null) draft.set('origin', said.value, said.why ?? 'only POS gives POS Activity');
  else
    draft.set(
      'origin',
      { value: 'POS' },
      'only POS gives POS Activity; ONLINE_ORDER is for orders from the web',
    );
}

function times({ zone }: Setting, draft: FeedDraft): void {
  const acted = actedAt(draft.table)?.column;
  const recorded = pick(draft.table, FACT_WISHES.recordedAt)?.column;
  const posted = postedColumn(draft.table);
  if (posted === undefined) {
    draft.set('posted_at', { commit_time: true }, 'no column says when');
    return;
  }
  const said = momentValue(posted, posted.name, zone);
  draft.set('posted_at', said.value, said.why);
  // A date says less than the moment of recording.
  if (recorded === undefined || acted === undefined || acted.type === 'date') return;
  const { value, why } = optionalMoment(acted, acted.name);
  draft.set('pos_transaction_at', value, why);
}

/** Rather a moment that every row has: of a check that when it was opened. */
function actedAt(table: CatalogueTable): Found | null {
  const found = picks(table, FACT_WISHES.actedAt);
  return found.find(({ column }) => !column.nullable) ?? found[0] ?? null;
}

/** Which column says when a transaction was posted; undefined: none does. */
export function postedColumn(table: CatalogueTable): CatalogueColumn | undefined {
  return (pick(table, FACT_WISHES.recordedAt) ?? actedAt(table))?.column;
}

/** What the till says of itself. */
function tillFields({ world }: Setting, draft: FeedDraft): void {
  const { table } = draft;
  const receipt = pick(table, FACT_WISHES.receipt)?.column;
  if (receipt !== undefined) draft.set('pos_transaction_id', receipt.name);
  const terminal = pick(table, FACT_WISHES.terminal)?.column;
  if (terminal !== undefined) draft.set('terminal_id', terminal.name);
  const staff = world.references
    .from(table)
    .find(({ to, columns }) => columns.length === 1 && world.otherRole(to) === 'staff');
  const operator = staff?.columns[0] ?? pick(table, FACT_WISHES.operator)?.column.name;
  if (operator !== undefined) draft.set('operator_id', operator);
  const flags = [
    ['is_training', FACT_WISHES.training],
    ['is_offline', FACT_WISHES.offline],
  ] as const;
  for (const [column, wish] of flags) {
    const flag = pick(table, wish)?.column;
    if (flag === undefined) continue;
    const { value, why } = flagValue(flag, flag.name);
    draft.set(column, flag.nullable ? { first: [value, { value: false }] } : value, why);
  }
  const original = originalOf(world, table);
  if (original !== null) draft.set('original_transaction_id', original);
}

/** The column that names the transaction which a row takes back; it is of the key's kind. */
function originalOf(world: World, table: CatalogueTable): string | null {
  const [key, more] = (keyOf(table) ?? []).map((name) => columnOf(table, name));
  if (key === undefined || more !== undefined) return null;
  const named = pick(table, FACT_WISHES.original, (column) => kindOf(column) !== kindOf(key))?.column.name;
  const self = world.references.from(table).find(({ to, columns }) => to === table && columns.length === 1);
  return named ?? self?.columns[0] ?? null;
}

/** Voids and refusals, where the row says so from its first moment. */
function outcome(draft: FeedDraft): void {
  const { table } = draft;
  const voided = pick(table, FACT_WISHES.voided)?.column;
  const kind = pick(table, FACT_WISHES.kind)?.column;
  const said =
    kind === undefined
      ? null
      : codesValue(kind, kind.name, { meanings: MODIFIER, otherwise: 'NONE', letters: true });
  if (said !== null) draft.set('modifier', said.value, said.why);
  else if (voided !== undefined) {
    const flag = flagAs(voided, voided.name, { when: 'yes', code: 'VOID', otherwise: 'NONE' });
    draft.set('modifier', flag.value, flag.why);
  }
  if (said === null && kind?.values != null && kind.values.length > 0) {
    draft.note(
      `${kind.name} has the codes ${listed(kind.values)}: \`where\` can take some of them, \`codes\` translate them.`,
    );
  }
  status(draft);
}

function status(draft: FeedDraft): void {
  const column = pick(draft.table, FACT_WISHES.status)?.column;
  const values = column?.values ?? [];
  if (column === undefined || values.length === 0) return;
  draft.note(
    `${column.name} has the codes ${listed(values)}; events are sent when the row is inserted, whatever becomes of it.`,
  );
  const refused = translate(values, RESULT).codes;
  if (refused.size === 0) return;
  draft.offer(
    'result',
    { column: column.name, codes: Object.fromEntries(refused), else: 'AUTHORIZED' },
    'if it is said from the first moment',
  );
}

/** Money that the rows of a table are about. */
export function amountOf({ world }: Setting, table: CatalogueTable): CatalogueColumn | undefined {
  return pick(table, FACT_WISHES.amount, ({ name }) => world.references.isReference(table, name))?.column;
}

/** The totals of transactions; null: their table has none. */
export function proposeCheck(setting: Setting, choice: FactChoice): ProposedFeed | null {
  const { table } = choice;
  const total = amountOf(setting, table);
  const key = keyOf(table) ?? [];
  if (total === undefined) return null;
  const draft = new FeedDraft({
    record: 'check',
    table,
    confidence: choice.confidence,
    notes: [
      'Each transaction is a check of its own: POS Activity takes check_number and check_total from it.',
    ],
  });
  draft.set('check_id', idOf(key));
  const receipt = pick(table, FACT_WISHES.receipt)?.column;
  draft.set(
    'check_number',
    receipt === undefined || receipt.nullable ? numberOf(receipt, key) : receipt.name,
  );
  const store = storeId(setting, draft);
  if (store !== null) draft.set('store_id', store);
  const day = (actedAt(table) ?? pick(table, FACT_WISHES.recordedAt))?.column;
  if (day !== undefined) businessDate(draft, day);
  const parts: readonly (readonly [string, Wish])[] = [
    ['subtotal', FACT_WISHES.subtotal],
    ['discount_total', FACT_WISHES.discount],
  ];
  for (const [column, wish] of parts) {
    const part = pick(table, wish, (each) => each === total)?.column;
    if (part === undefined) continue;
    const { value, why } = moneyValue(part, part.name);
    draft.set(column, value, why);
  }
  const { value, why } = moneyValue(total, total.name);
  draft.set('total', value, why);
  return draft.finish();
}

function numberOf(receipt: CatalogueColumn | undefined, key: readonly string[]) {
  return receipt === undefined ? idOf(key) : { first: [receipt.name, idOf(key)] };
}

/** The day of a moment depends on the zone, so that only what has no zone has a day of its own. */
function businessDate(draft: FeedDraft, day: CatalogueColumn): void {
  if (isNaive(day)) draft.set('business_date', day.name, day.type === 'date' ? null : 'its day');
}
