/** What a table may be by its name: a record, or one of the parts that only help to read others. */
export type RecordRole =
  | 'guest'
  | 'account'
  | 'card'
  | 'store'
  | 'transaction'
  | 'recharge'
  | 'check_in'
  | 'referral'
  | 'wallet'
  | 'wallet_entry'
  | 'survey'
  | 'survey_response';
export type OtherRole =
  'line' | 'staff' | 'product' | 'place' | 'supplier' | 'device' | 'copy' | 'machinery' | 'tenant';
export type Role = RecordRole | OtherRole;

interface Entry {
  /** Names as they end, by how surely they mean the role, 0 to 1. */
  readonly names: readonly (readonly [weight: number, names: string])[];
  /** Words before the name with which it means something else. */
  readonly not?: string;
}

const VALUE_WORDS = ['point', 'loyalty', 'reward', 'wallet', 'balance', 'stamp', 'mile', 'star', 'bonus'];
const LEDGER_WORDS = 'ledger entry transaction txn history log movement activity event earning'.split(' ');

export const VOCABULARY: Readonly<Record<Role, Entry>> = {
  guest: {
    names: [
      [1, 'customer, member, guest'],
      [0.95, 'patron, card holder, cardholder, shopper, diner'],
      [0.9, 'client, consumer, cust, mbr, renter'],
      [0.85, 'subscriber, buyer, passenger'],
      [0.75, 'user, visitor, player, fan, attendee'],
      [0.6, 'person, contact'],
      [0.4, 'party'],
    ],
    not: 'staff team crew board cast family admin system db api auth project group role service supplier vendor search',
  },
  account: {
    names: [
      [1, 'loyalty account, loyalty membership, member account, customer account'],
      [0.8, 'account, enrollment, enrolment'],
      [0.7, 'membership'],
    ],
    not: 'bank gl ledger chart service admin system payment social oauth user auth email',
  },
  card: {
    names: [
      [1, 'loyalty card, member card, membership card, customer card'],
      [0.9, 'card, gift card'],
    ],
    not: 'credit debit bank payment score time report post rate business check',
  },
  store: {
    names: [
      [1, 'store, outlet, restaurant, cafe'],
      [0.95, 'shop, branch, cinema, hotel'],
      [0.9, 'venue, theater, theatre, gym, salon, bakery, pharmacy'],
      [0.8, 'location'],
      [0.75, 'club, studio, facility, bar, clinic'],
      [0.6, 'site, property, franchise, kiosk, station'],
      [0.4, 'center, centre, depot, office'],
    ],
    not: 'web data cost object file key call train work',
  },
  transaction: {
    names: [
      [1, 'order, sale'],
      [0.95, 'transaction, txn, trx, purchase, rental'],
      [0.9, 'receipt'],
      [0.85, 'booking'],
      [0.8, 'reservation, invoice, bill'],
      [0.75, 'ticket, check, stay, ride, trip, appointment, hire'],
      [0.5, 'visit, tab, loan'],
      [0.35, 'payment, subscription, basket, cart'],
    ],
    not: `${VALUE_WORDS.join(' ')} supplier vendor stock work production support page web site bank sort inventory health`,
  },
  recharge: {
    names: [
      [1, 'reload, topup, top up, recharge, gift load, card load, stored value load'],
      [0.8, 'refill, credit purchase, deposit'],
      [0.65, 'payment, load'],
    ],
    not: 'page work data bank supplier vendor security salary payroll',
  },
  check_in: {
    names: [
      [1, 'checkin, check in'],
      [0.9, 'club visit, gym visit'],
      [0.75, 'visit, attendance'],
      [0.6, 'swipe, arrival'],
    ],
    not: 'page web site staff employee',
  },
  referral: {
    names: [
      [1, 'referral, referal, member get member'],
      [0.9, 'friend invite'],
      [0.6, 'refer, invite'],
    ],
    not: 'product medical doctor survey',
  },
  wallet: {
    names: [
      [1, 'account wallet, point balance, loyalty balance, reward balance'],
      [0.8, 'wallet, card balance, stored value, account balance'],
      [0.6, 'balance'],
    ],
    not: 'bank trial gl stock leave',
  },
  wallet_entry: {
    names: [
      [1, 'wallet entry, wallet line'],
      [0.95, VALUE_WORDS.flatMap((value) => LEDGER_WORDS.map((kind) => `${value} ${kind}`)).join(', ')],
      [0.7, 'ledger'],
      [0.6, 'point'],
    ],
    not: 'general gl check access meeting data power sale',
  },
  survey: {
    names: [
      [0.9, 'questionnaire, survey form'],
      [0.8, 'survey'],
      [0.6, 'poll'],
    ],
  },
  survey_response: {
    names: [
      [1, 'survey response, survey result, survey submission, nps response'],
      [0.9, 'feedback, nps, nps score'],
      [0.85, 'survey answer'],
      [0.7, 'satisfaction'],
      [0.5, 'response, rating, review, survey, questionnaire'],
    ],
    not: 'product api server http movie film code peer performance',
  },
  line: {
    names: [
      [1, 'line item'],
      [0.9, 'item, detail, line, order product, sale product'],
      [0.6, 'modifier, addon, add on'],
    ],
  },
  staff: {
    names: [
      [1, 'staff, employee, cashier, waiter, barista, clerk, worker, sale rep, salesperson, receptionist'],
      [1, 'staff member, team member, crew member'],
      [0.8, 'trainer, instructor, operator, coach, server, driver, manager'],
      [0.6, 'agent'],
    ],
  },
  product: {
    names: [
      [1, 'product, menu item'],
      [0.9, 'category, film, movie, sku, drink, dish, room type, class type, genre'],
      [0.7, 'menu, inventory, stock, price, promotion, coupon, discount, offer, plan, seat, room'],
      [0.6, 'brand, class, reward, screening, showtime, service, book'],
    ],
  },
  place: {
    names: [
      [1, 'address, city, country, zip code, postal code, state province, continent'],
      [0.9, 'state, region, territory, zip, county, province, district, town, area'],
      [0.6, 'zone'],
    ],
  },
  supplier: { names: [[1, 'supplier, vendor, shipper, carrier, manufacturer, distributor, courier']] },
  device: {
    names: [
      [0.9, 'terminal, register, till, pos'],
      [0.6, 'device, lane, drawer, screen, hall'],
    ],
  },
  copy: {
    names: [
      [1, 'backup, bak, tmp, temp, audit'],
      [0.9, 'old, staging, stg, archive, copy'],
      [0.7, 'history, log'],
    ],
  },
  machinery: {
    names: [
      [1, 'migration, migration lock, schema history, alembic version, ar internal metadata'],
      [0.9, 'token, permission, content type, session, setting, config'],
      [0.7, 'version, job, queue, metadata, lock, notification'],
    ],
  },
  tenant: {
    names: [
      [1, 'merchant, tenant'],
      [0.7, 'brand, company, organization, organisation'],
    ],
  },
};
