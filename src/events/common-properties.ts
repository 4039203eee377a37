import type { WalletScope } from '../config/source.js';
import type { AccountFacts } from '../enrichment/facts.js';
import { Memo } from '../records/memo.js';
import type { Row } from '../records/tables.js';
import { integerValue, nullableBoolean, nullableNumeric, type ValueObserver } from '../records/values.js';
import { fragment, type Fragment } from './fragment.js';
import type { PropertiesOf } from './schema/kinds.js';
import type { ACCOUNT, PERSON, PLACE } from './schema/shared-properties.js';
import { PARTS } from './schema/validators.js';
import { WHOLE, type Reduction } from './shrink.js';
import { NO_WALLETS, walletProperties } from './wallet-properties.js';
import { inScope } from './wallet-scope.js';
import { walletMembers } from './wallet-text.js';

/**
 * The sixteen properties of every event and those about the account, as fragments of JSON. Facts are the same objects
 * while nothing about them changed, so each fragment is made once per object: a purchase's events share all of them,
 * a store's is made once for all events there.
 */
interface AccountFragments {
  /** The last one made, and what of the wallets is in it. */
  wallets: { readonly scope: WalletScope; readonly made: Fragment } | null;
  /** The last one made, and the card number shown in it. */
  person: { readonly shownNumber: string | null; readonly made: Fragment } | null;
  /** The last one made, and the channel in it. */
  account: { readonly channel: string | null; readonly made: Fragment } | null;
}

/**
 * An account's facts are new after each purchase, so only those of the commits in hand are worth keeping: a short
 * bounded memory, as weak references to so many short-lived objects cost the collector more than they save.
 */
const byAccount = new Memo<AccountFacts, AccountFragments>(256);
const byStore = new WeakMap<Row<'loyalty.store'>, Fragment>();

function fragmentsOf(facts: AccountFacts): AccountFragments {
  return byAccount.of(facts, () => ({ wallets: null, person: null, account: null }));
}

/** @param shownNumber the card number as the source may send it. @throws UnparsableValue */
export function personFragment(facts: AccountFacts | null, shownNumber: string | null): Fragment {
  if (facts === null) return fragment(personOf(null, shownNumber), PARTS.person);
  const known = fragmentsOf(facts);
  if (known.person?.shownNumber === shownNumber) return known.person.made;
  const made = fragment(personOf(facts, shownNumber), PARTS.person);
  known.person = { shownNumber, made };
  return made;
}

export function personOf(
  facts: AccountFacts | null,
  shownNumber: string | null,
): PropertiesOf<typeof PERSON> {
  const guest = facts?.guest ?? null;
  return {
    first_name: guest?.first_name ?? null,
    last_name: guest?.last_name ?? null,
    printed_card_number: shownNumber,
    email_opt_in: nullableBoolean(guest?.email_opt_in ?? null, 'loyalty.guest.email_opt_in'),
    text_opt_in: nullableBoolean(guest?.text_opt_in ?? null, 'loyalty.guest.text_opt_in'),
  };
}

const NOWHERE: PropertiesOf<typeof PLACE> = {
  store_name: null,
  store_code: null,
  store_latitude: null,
  store_longitude: null,
  store_city: null,
  store_postal_code: null,
  store_state: null,
  store_country: null,
};
const NOWHERE_FRAGMENT = fragment(NOWHERE, PARTS.place);

/** @throws UnparsableValue */
export function placeFragment(store: Row<'loyalty.store'> | null, observer?: ValueObserver): Fragment {
  if (store === null) return NOWHERE_FRAGMENT;
  const known = byStore.get(store);
  if (known !== undefined) return known;
  const made = fragment(placeOf(store, observer), PARTS.place);
  byStore.set(store, made);
  return made;
}

function placeOf(
  store: Row<'loyalty.store'>,
  observer: ValueObserver | undefined,
): PropertiesOf<typeof PLACE> {
  const latitude = nullableNumeric(store.latitude, 'loyalty.store.latitude', observer);
  const longitude = nullableNumeric(store.longitude, 'loyalty.store.longitude', observer);
  // Nobody eats on the equator off Ghana: 0,0 is a form left empty.
  const unset = latitude === 0 && longitude === 0;
  return {
    store_name: store.store_name,
    store_code: store.store_code,
    store_latitude: unset ? null : latitude,
    store_longitude: unset ? null : longitude,
    store_city: store.city,
    store_postal_code: store.postal_code,
    store_state: store.state_province,
    store_country: store.country,
  };
}

const NO_WALLETS_FRAGMENT = fragment(NO_WALLETS, PARTS.wallets);

export interface WalletsShown {
  readonly scope: WalletScope;
  readonly reduction: Reduction;
}

/** @throws UnparsableValue */
export function walletsFragment(
  facts: AccountFacts | null,
  { scope, reduction }: WalletsShown,
  observer?: ValueObserver,
): Fragment {
  if (facts === null || facts.wallets === null) return NO_WALLETS_FRAGMENT;
  const wallets = inScope(facts.wallets, scope);
  if (reduction !== WHOLE) return fragment(walletProperties(wallets, reduction), PARTS.wallets);
  const known = fragmentsOf(facts);
  if (known.wallets?.scope === scope) return known.wallets.made;
  const made = wholeWallets(wallets, observer);
  known.wallets = { scope, made };
  return made;
}

function wholeWallets(
  wallets: NonNullable<AccountFacts['wallets']>,
  observer: ValueObserver | undefined,
): Fragment {
  const members = walletMembers(wallets);
  if (members !== null) return { members, problem: null };
  return fragment(walletProperties(wallets, WHOLE, observer), PARTS.wallets);
}

/** @throws UnparsableValue */
export function accountFragment(
  merchantId: string,
  facts: AccountFacts | null,
  channel: string | null,
): Fragment {
  if (facts === null) return fragment(accountOf(merchantId, null, channel), PARTS.account);
  const known = fragmentsOf(facts);
  if (known.account?.channel === channel) return known.account.made;
  const made = fragment(accountOf(merchantId, facts, channel), PARTS.account);
  known.account = { channel, made };
  return made;
}

function accountOf(
  merchantId: string,
  facts: AccountFacts | null,
  channel: string | null,
): PropertiesOf<typeof ACCOUNT> {
  const account = facts?.account ?? null;
  return {
    merchant_id: integerValue(account?.merchant_id ?? merchantId, 'merchant_id'),
    account_id: account?.account_id ?? null,
    channel,
    card_template_code: account?.card_template_code ?? null,
    tier_label: facts?.tierLabel ?? null,
    is_registered: account !== null && account.user_id !== null,
  };
}
