import { keyOf, type CatalogueTable } from './catalogue.js';
import { notesOf } from './choice.js';
import { ACCOUNT_STATUS, REGISTRATION_SOURCE } from './code-words.js';
import { pick } from './columns.js';
import { idOf, type FeedDraft } from './feed-draft.js';
import type { ProposedFeed } from './proposal.js';
import { begin, CARD_TEMPLATE, holderOf, storePath, type Setting } from './setting.js';
import { tierOf } from './propose-tier.js';
import { codesValue, flagAs, optionalMoment } from './values.js';
import { GUEST_WISHES } from './wishes/guest.js';
import { wordsOf } from './words.js';

/** Every guest an account, or the accounts that there are. */
export function proposeAccount(setting: Setting): ProposedFeed {
  const { guestKey, account } = setting;
  const table = holderOf(setting);
  const draft = begin(setting, {
    record: 'account',
    table,
    confidence: account?.confidence ?? 'high',
    notes:
      account === null
        ? ["No table of accounts: each guest is an account of the guest's own key."]
        : [
            ...notesOf(account),
            account.onePerGuest ? 'One for each guest, so it has the key of the guest.' : '',
          ].filter((note) => note !== ''),
  });
  const path = account === null ? [] : [account.reference];
  const ofGuest = draft.keyAt(path, guestKey);
  draft.set('account_id', account === null || account.onePerGuest ? ofGuest : idOf(keyOf(table) ?? []));
  draft.set('user_id', ofGuest);
  draft.set('card_template_code', { value: CARD_TEMPLATE });
  tier(setting, draft);
  accountStatus(draft, table);
  registration(draft, table);
  homeStore(setting, draft, table);
  return draft.finish();
}

function tier(setting: Setting, draft: FeedDraft): void {
  const found = tierOf(setting);
  if (found === null) return;
  const labels = found.tag === 'column' && found.column.values === null;
  const { name } = found.column;
  draft.set('tier_code', name, labels ? 'its label needs a row of the record tier' : null);
}

function accountStatus(draft: FeedDraft, table: CatalogueTable): void {
  const column = pick(table, GUEST_WISHES.status)?.column;
  const said =
    column === undefined
      ? null
      : codesValue(column, column.name, { meanings: ACCOUNT_STATUS, otherwise: 'ACTIVE' });
  if (said !== null) {
    draft.set('account_status', said.value, said.why);
    return;
  }
  const active = pick(table, GUEST_WISHES.active)?.column;
  if (active === undefined) return;
  const suspended = flagAs(active, active.name, { when: 'no', code: 'SUSPENDED', otherwise: 'ACTIVE' });
  draft.set('account_status', suspended.value, suspended.why ?? 'TERMINATED would silence the account');
}

function registration(draft: FeedDraft, table: CatalogueTable): void {
  const registered = pick(table, GUEST_WISHES.registeredAt)?.column;
  if (registered === undefined) {
    draft.offer(
      'registered_at',
      { commit_time: true },
      'no column says when; without one no registration is sent',
    );
  } else {
    const { value, why } = optionalMoment(registered, registered.name);
    draft.set('registered_at', value, why);
  }
  const source = pick(table, GUEST_WISHES.source)?.column ?? undefined;
  const said =
    source === undefined
      ? null
      : codesValue(source, source.name, { meanings: REGISTRATION_SOURCE, otherwise: 'API' });
  if (said !== null) draft.set('registration_source', said.value, said.why);
  else {
    const web = { value: 'GUEST_WEBSITE' };
    draft.offer(
      'registration_source',
      web,
      'if guests register on the website: Web Registration is sent, too',
    );
  }
}

const ENROLLED = new Set([
  'enrollment',
  'enrolment',
  'enroll',
  'enrolled',
  'signup',
  'join',
  'joined',
  'registered',
  'registration',
  'opened',
]);

function homeStore(setting: Setting, draft: FeedDraft, table: CatalogueTable): void {
  const { store, world } = setting;
  const storeKey = store === null ? null : keyOf(store.table);
  const link = world.references.from(table).find(({ to }) => to === store?.table);
  if (link === undefined || storeKey === null || storePath(setting, table) === null) return;
  const enrolled = link.columns.some((name) => wordsOf(name).some((word) => ENROLLED.has(word)));
  draft.set(enrolled ? 'enrollment_store_id' : 'favorite_store_id', draft.keyAt([link], storeKey));
}
