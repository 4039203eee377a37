import { type CatalogueColumn, type CatalogueTable } from './catalogue.js';
import { notesOf, type Choice } from './choice.js';
import { profileOf } from './choose-people.js';
import { GUEST_STATUS } from './code-words.js';
import { pick } from './columns.js';
import { idOf, type FeedDraft, type Path } from './feed-draft.js';
import type { ProposedFeed } from './proposal.js';
import { begin, type Setting } from './setting.js';
import { codesValue, flagAs, flagValue, listed, negatedFlag } from './values.js';
import { GUEST_WISHES } from './wishes/guest.js';

const HERE: Path = [];

export function proposeGuest(setting: Setting, choice: Choice): ProposedFeed {
  const { guest, guestKey, onlyGuests } = setting;
  const draft = begin(setting, {
    record: 'guest',
    table: guest,
    confidence: choice.confidence,
    notes: notesOf(choice),
  });
  if (onlyGuests !== null) {
    draft.note(
      `Of ${onlyGuests.column} there is also ${listed(onlyGuests.others)}: taken for others than guests.`,
    );
  }
  draft.set('user_id', idOf(guestKey), guestKey.length > 1 ? 'its columns together' : null);
  names(setting, draft);
  contact(setting, draft);
  optIns(draft, guest);
  status(draft, guest);
  return draft.finish();
}

function names({ world }: Setting, draft: FeedDraft): void {
  const own = namesIn(draft.table);
  const profile = own === null ? profileOf(world, draft.table) : null;
  const found = own ?? (profile === null ? null : namesIn(profile.table));
  if (found === null) {
    draft.note('No column of it looks like a name: first_name and last_name stay null.');
    return;
  }
  const at = ({ name }: CatalogueColumn): string => draft.at(profile?.path ?? HERE, name);
  if (found.first !== undefined)
    draft.set(
      'first_name',
      at(found.first),
      found.whole ? 'the whole name: it has no part of its own' : null,
    );
  if (found.last !== undefined) draft.set('last_name', at(found.last));
}

/** Where the guest's own table has none, the profile's. */
function contact({ world }: Setting, draft: FeedDraft): void {
  for (const [column, wish] of [
    ['email', GUEST_WISHES.email],
    ['mobile_phone', GUEST_WISHES.phone],
  ] as const) {
    const own = pick(draft.table, wish)?.column;
    const profile = own === undefined ? profileOf(world, draft.table) : null;
    const found = own ?? (profile === null ? undefined : pick(profile.table, wish)?.column);
    if (found === undefined) continue;
    draft.set(
      column,
      draft.at(profile?.path ?? HERE, found.name),
      'read only where a source has it in traits',
    );
  }
}

interface NameColumns {
  readonly first: CatalogueColumn | undefined;
  readonly last: CatalogueColumn | undefined;
  readonly whole: boolean;
}

function namesIn(table: CatalogueTable): NameColumns | null {
  const first = pick(table, GUEST_WISHES.firstName)?.column;
  const last = pick(table, GUEST_WISHES.lastName)?.column;
  if (first !== undefined || last !== undefined) return { first, last, whole: false };
  const whole = pick(table, GUEST_WISHES.wholeName)?.column;
  return whole === undefined ? null : { first: whole, last: undefined, whole: true };
}

function optIns(draft: FeedDraft, guest: CatalogueTable): void {
  const email = pick(guest, GUEST_WISHES.emailOptIn)?.column;
  const out = email === undefined ? pick(guest, GUEST_WISHES.emailOptOut)?.column : undefined;
  const said =
    email !== undefined
      ? flagValue(email, email.name)
      : out === undefined
        ? null
        : negatedFlag(out, out.name);
  if (said !== null) draft.set('email_opt_in', said.value, said.why);
  const text = pick(guest, GUEST_WISHES.textOptIn, (column) => column === email)?.column;
  if (text === undefined) return;
  const { value, why } = flagValue(text, text.name);
  draft.set('text_opt_in', value, why);
}

/** Who is to be forgotten: nothing more is sent of them. */
function status(draft: FeedDraft, guest: CatalogueTable): void {
  const deleted = pick(guest, GUEST_WISHES.deleted)?.column;
  if (deleted !== undefined) {
    const said = flagAs(deleted, deleted.name, { when: 'yes', code: 'DELETED', otherwise: 'ACTIVE' });
    draft.set('status', said.value, 'nothing is sent of deleted guests');
    return;
  }
  const column = pick(guest, GUEST_WISHES.status)?.column;
  const values = column?.values ?? [];
  if (column === undefined || values.length === 0) return;
  const said = codesValue(column, column.name, { meanings: GUEST_STATUS, otherwise: 'ACTIVE' });
  if (said !== null) {
    draft.set('status', said.value, said.why);
    return;
  }
  const letter = values.find((value) => /^[DX]$/i.test(value.trim()));
  if (letter !== undefined) {
    const coded = { column: column.name, codes: { [letter]: 'DELETED' }, else: 'ACTIVE' };
    draft.offer('status', coded, `if ${letter} is for deleted guests; values found: ${listed(values)}`);
  }
}
