import { columnOf, keyOf, kindOf, type CatalogueTable } from './catalogue.js';
import type { FactChoice } from './choose-facts.js';
import { notesOf } from './choice.js';
import { ENTRY_KIND } from './code-words.js';
import { pick } from './columns.js';
import { FeedDraft } from './feed-draft.js';
import { postedColumn } from './propose-transaction.js';
import type { ProposedFeed, Value } from './proposal.js';
import { accountId, POINTS_WALLET, type Setting } from './setting.js';
import { codesValue, momentValue } from './values.js';
import { FACT_WISHES } from './wishes/fact.js';
import { LEDGER_WISHES } from './wishes/ledger.js';

export type LedgerProposal =
  | { readonly tag: 'feed'; readonly feed: ProposedFeed }
  /** `why` completes `<table>: `. */
  | { readonly tag: 'impossible'; readonly why: string };

/**
 * Movements of points. Add/Redeem tells the lines of a transaction, so each line must name one; and a line says the balance
 * that it left, or every balance before today would be wrong.
 */
export function proposeLedger(
  setting: Setting,
  choice: FactChoice,
  transaction: FactChoice | null,
): LedgerProposal {
  const { table, path, confidence } = choice;
  const { world } = setting;
  const quantity = pick(table, LEDGER_WISHES.quantity)?.column;
  const after = pick(table, LEDGER_WISHES.balanceAfter, (column) => column === quantity)?.column;
  const link =
    transaction === null
      ? undefined
      : world.references.from(table).find(({ to }) => to === transaction.table);
  if (quantity === undefined)
    return { tag: 'impossible', why: 'looks like movements of points, but no column says how many' };
  if (after === undefined) {
    return {
      tag: 'impossible',
      why: `looks like movements of points, but no column says the balance after each: Add/Redeem needs it`,
    };
  }
  if (transaction === null || link === undefined) {
    return {
      tag: 'impossible',
      why: 'looks like movements of points, but no column names the transaction that a movement belongs to: Add/Redeem is told of transactions',
    };
  }
  const draft = new FeedDraft({ record: 'wallet_entry', table, confidence, notes: notesOf(choice) });
  if (link.optional) for (const name of link.columns) draft.where(name, { set: true });
  draft.set('transaction_id', draft.keyAt([link], keyOf(transaction.table) ?? []));
  draft.set('entry_no', entryNo(table));
  draft.set('account_id', accountId(setting, draft, path));
  draft.set('wallet_code', { value: POINTS_WALLET });
  const kind = pick(table, FACT_WISHES.kind)?.column;
  const said =
    kind === undefined ? null : codesValue(kind, kind.name, { meanings: ENTRY_KIND, otherwise: 'ADJUSTED' });
  draft.set(
    'entry_kind',
    said?.value ?? { value: 'ADJUSTED' },
    said === null ? 'TODO only ACCRUED and REDEEMED lines give Add/Redeem' : said.why,
  );
  draft.set('quantity', quantity.name, 'ACCRUED and REDEEMED lines must not be negative');
  draft.set('balance_after', after.name);
  const posted = postedColumn(transaction.table);
  const at = posted === undefined ? null : momentValue(posted, draft.at([link], posted.name), setting.zone);
  draft.set(
    'posted_at',
    at?.value ?? { commit_time: true },
    at?.why ?? 'lines have that of their transaction',
  );
  draft.note('Add/Redeem is sent for lines that are committed together with their transaction.');
  return { tag: 'feed', feed: draft.finish() };
}

/** A number of its own in each line; any that tells the lines of a transaction apart. */
function entryNo(table: CatalogueTable): Value {
  const [only, more] = keyOf(table) ?? [];
  const column = only === undefined || more !== undefined ? undefined : columnOf(table, only);
  return column !== undefined && kindOf(column) === 'int' ? column.name : { value: 1 };
}
