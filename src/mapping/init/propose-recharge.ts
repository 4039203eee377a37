import { keyOf } from './catalogue.js';
import type { FactChoice } from './choose-facts.js';
import { notesOf } from './choice.js';
import { ORIGIN, RECHARGE_STATE } from './code-words.js';
import { pick } from './columns.js';
import { FeedDraft, idOf } from './feed-draft.js';
import type { ProposedFeed, Value } from './proposal.js';
import { amountOf } from './propose-transaction.js';
import { accountId, cardId, storeId, STORED_VALUE_WALLET, type Setting } from './setting.js';
import { codesValue, listed, moneyValue, optionalMoment } from './values.js';
import { FACT_WISHES } from './wishes/fact.js';

/** Money put onto a card. Where a payment is one, or pays for something, only a person knows. */
export function proposeRecharge(setting: Setting, choice: FactChoice): ProposedFeed {
  const { table, path, confidence } = choice;
  const draft = new FeedDraft({
    record: 'recharge',
    table,
    confidence,
    notes: notesOf(choice),
    offered: confidence === 'low',
  });
  if (setting.world.named('recharge', table) < SURELY) {
    draft.note('A recharge puts value onto a card: take it out if these rows only pay for something.');
  }
  const account = accountId(setting, draft, path);
  draft.set('recharge_id', idOf(keyOf(table) ?? []));
  draft.set('account_id', account);
  card(setting, draft, account);
  const store = storeId(setting, draft);
  if (store !== null) draft.set('store_id', store);
  draft.set('wallet_code', { value: STORED_VALUE_WALLET });
  money(setting, draft);
  draft.set('recharge_kind', { value: 'ONE_TIME' });
  payment(draft);
  state(draft);
  const paidAt = pick(table, FACT_WISHES.actedAt)?.column ?? pick(table, FACT_WISHES.recordedAt)?.column;
  if (paidAt !== undefined) {
    const { value, why } = optionalMoment(paidAt, paidAt.name);
    draft.set('completed_at', value, why);
  }
  const channel = pick(table, FACT_WISHES.channel)?.column;
  const said =
    channel === undefined ? null : codesValue(channel, channel.name, { meanings: ORIGIN, otherwise: 'POS' });
  draft.set('channel', said?.value ?? { value: 'POS' }, said?.why ?? null);
  return draft.finish();
}

const SURELY = 0.75;

/** An account's id is that of a card only where the cards have the accounts' keys. */
function card(setting: Setting, draft: FeedDraft, account: Value): void {
  const presented = cardId(setting, draft);
  if (presented !== null) draft.set('card_id', presented);
  else if (setting.card?.tag === 'table')
    draft.note('No column of it names a card: printed_card_number is that of the account.');
  else draft.set('card_id', account, "the account's own: the row names none");
}

function money(setting: Setting, draft: FeedDraft): void {
  const { table } = draft;
  const amount = amountOf(setting, table);
  if (amount !== undefined) {
    const { value, why } = moneyValue(amount, amount.name);
    draft.set('amount', value, why);
  }
  const bonus = pick(table, FACT_WISHES.bonus, (column) => column === amount)?.column;
  if (bonus === undefined) draft.set('bonus_amount', { value: 0 });
  else {
    const { value, why } = moneyValue(bonus, bonus.name);
    draft.set('bonus_amount', bonus.nullable ? { first: [value, { value: 0 }] } : value, why);
  }
  const currency = pick(table, FACT_WISHES.currency)?.column;
  if (currency !== undefined && !currency.nullable) draft.set('currency', currency.name);
  else {
    const otherwise = { value: setting.currency ?? 'USD' };
    draft.set(
      'currency',
      currency === undefined ? otherwise : { first: [currency.name, otherwise] },
      setting.currency === null ? 'TODO nothing says it' : null,
    );
  }
}

function payment(draft: FeedDraft): void {
  const method = pick(draft.table, FACT_WISHES.method)?.column;
  if (method === undefined) draft.set('payment_type', { value: 'UNKNOWN' }, 'no column says how it was paid');
  else
    draft.set('payment_type', method.nullable ? { first: [method.name, { value: 'UNKNOWN' }] } : method.name);
  const cardType = pick(draft.table, FACT_WISHES.cardType)?.column;
  if (cardType !== undefined) draft.set('card_type', cardType.name);
}

/** What single letters stand for in most tables that have them; only a person knows. */
const LETTERS: Readonly<Record<string, string>> = {
  S: 'Succeeded',
  P: 'Pending',
  F: 'Failed',
  R: 'Refunded',
};

/** A column that says whether it succeeded is never passed over: value that is only on its way would be sent as received. */
function state(draft: FeedDraft): void {
  const column = pick(draft.table, FACT_WISHES.status)?.column;
  if (column === undefined) {
    draft.set('transaction_state', { value: 'Succeeded' }, 'no column says otherwise');
    return;
  }
  const said = codesValue(column, column.name, { meanings: RECHARGE_STATE, otherwise: 'Pending' });
  if (said !== null) {
    const why = said.why ?? 'Recharge Value is sent when it becomes Succeeded';
    draft.set('transaction_state', said.value, why);
    return;
  }
  const values = column.values ?? [];
  const asked = `TODO which of ${listed(values)} is a recharge that succeeded`;
  const guesses = values.flatMap((value) => {
    const meant = LETTERS[value.trim().toUpperCase()];
    return meant === undefined ? [] : [[value, meant] as const];
  });
  if (guesses.some(([, meant]) => meant === 'Succeeded')) {
    const coded = { column: column.name, codes: Object.fromEntries(guesses), else: 'Pending' };
    const value = column.nullable ? { first: [coded, { value: 'Pending' }] } : coded;
    draft.set('transaction_state', value, `${asked}: guessed by the letters`);
    return;
  }
  const nothingSent = values.length === 0 ? `TODO what ${column.name} says is not known` : asked;
  draft.set('transaction_state', { value: 'Pending' }, `${nothingSent}; until then none is sent`);
}
