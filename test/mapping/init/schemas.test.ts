import { describe, expect, it } from 'vitest';
import { catalogueOf, ddlOf, SCHEMAS } from './ddl.js';
import { proposed } from './proposed.js';

function of(schema: (typeof SCHEMAS)[number], codes: Readonly<Record<string, readonly string[]>> = {}) {
  return proposed(catalogueOf(ddlOf(schema), { codes }));
}

describe.each(SCHEMAS)('a proposal for a %s', (schema) => {
  it('names only tables and columns that there are, and joins by unique keys', () => {
    const { mapping, zone } = of(schema);
    expect(zone).toBe('America/New_York');
    expect(Object.keys(mapping)).toEqual(
      expect.arrayContaining(['merchant', 'guest', 'account', 'transaction']),
    );
  });

  it('says of every table what became of it', () => {
    const { text } = of(schema);
    const { tables } = catalogueOf(ddlOf(schema));
    for (const { schema: place, name } of tables) expect(text).toContain(`${place}.${name}`);
  });

  it('is the same every time', () => {
    expect(of(schema).text).toBe(of(schema).text);
  });
});

describe('a wholesaler', () => {
  const { feed, mapping, text } = of('wholesale');

  it('has customers for guests, each with an account', () => {
    expect(feed('guest')).toEqual({
      table: 'public.customers',
      columns: { user_id: 'customer_id', first_name: 'contact_name', mobile_phone: 'phone' },
    });
    expect(feed('account')).toMatchObject({
      table: 'public.customers',
      columns: { account_id: 'customer_id', user_id: 'customer_id' },
    });
  });

  it('has orders for what happens at the till, without a store', () => {
    const { table, columns } = feed('transaction');
    expect(table).toBe('public.orders');
    expect(columns).toMatchObject({
      transaction_id: 'order_id',
      account_id: 'customer_id',
      operator_id: 'employee_id',
      origin: { value: 'POS' },
      posted_at: { first: [{ column: 'order_date', zone: 'America/New_York' }, { commit_time: true }] },
    });
    expect(columns).not.toHaveProperty('store_id');
    expect(mapping).not.toHaveProperty('store');
  });

  it('does not make up when customers registered', () => {
    expect(feed('account').columns).not.toHaveProperty('registered_at');
    expect(text).toMatch(/# registered_at: .*# no column says when/);
  });
});

describe('a legacy brand', () => {
  const { feed, rows, text } = of('legacy-brand', {
    'public.members.opt_in': ['0', '1'],
    'public.members.sms_opt_in': ['N', 'Y'],
    'public.members.status': ['A', 'D'],
    'public.sales.kind': ['R', 'S', 'V'],
    'public.gift_reload.tender': ['CARD', 'CASH'],
  });

  it('is proposed as it was reviewed', () => {
    expect(text).toMatchSnapshot();
  });

  it('has numbers for opt-ins, a card number and points in the row of the member', () => {
    expect(feed('guest').columns).toMatchObject({
      user_id: 'member_no',
      first_name: 'first',
      last_name: 'last',
      email_opt_in: { column: 'opt_in', true: ['1'] },
      text_opt_in: { column: 'sms_opt_in', true: ['Y'] },
    });
    expect(feed('card')).toMatchObject({
      where: { card_no: { set: true } },
      columns: { card_id: 'member_no', account_id: 'member_no', printed_card_number: 'card_no' },
    });
    expect(feed('wallet').columns).toMatchObject({ account_id: 'member_no', balance: 'points' });
    expect(rows('wallet_definition').map(({ wallet_type: type }) => type)).toEqual(['POINT', 'STORED_VALUE']);
  });

  it('has cents, voids by letters and clocks of the zone', () => {
    expect(feed('transaction').columns).toMatchObject({
      account_id: 'member_no',
      store_id: 'shop_no',
      posted_at: 'sold_at',
      modifier: { column: 'kind', codes: { R: 'REVERSE', V: 'VOID' }, else: 'NONE' },
    });
    expect(feed('check').columns).toMatchObject({
      total: { column: 'cents', scale: 2 },
      business_date: 'sold_at',
    });
  });

  it('finds whose card was reloaded by its number', () => {
    expect(feed('recharge')).toMatchObject({
      table: 'public.gift_reload',
      join: { member: { table: 'public.members', on: { card_no: 'card_no' } } },
      columns: { account_id: 'member.member_no', amount: { column: 'cents', scale: 2 } },
    });
  });

  it('takes no copy for the original', () => {
    expect(text).toContain('public.members_bak: looks like a copy or a log.');
  });
});

describe('a rental shop', () => {
  const { feed, text } = of('rental-shop');

  it('has rentals where their staff work, and payments that may be recharges', () => {
    expect(feed('transaction')).toMatchObject({
      table: 'public.rental',
      columns: {
        account_id: 'customer_id',
        store_id: 'staff.store_id',
        operator_id: 'staff_id',
        posted_at: 'rental_date',
      },
    });
    expect(feed('recharge')).toMatchObject({
      table: 'public.payment',
      columns: { account_id: 'customer_id', amount: 'amount', completed_at: 'payment_date' },
    });
    expect(text).toMatch(/recharge from public\.payment: confidence medium/);
  });

  it('collects the address of a store over its references', () => {
    const { join, columns } = feed('store');
    expect(Object.keys(join ?? {})).toEqual(['address', 'city', 'country']);
    expect(columns).toMatchObject({
      store_id: 'store_id',
      store_name: { concat: [{ value: 'Store' }, 'store_id'], separator: ' ' },
      city: 'city.city',
      state_province: 'address.district',
      postal_code: 'address.postal_code',
      country: 'country.country',
    });
  });

  it('keeps the day they became customers and the store they prefer', () => {
    expect(feed('account').columns).toMatchObject({
      registered_at: 'create_date',
      favorite_store_id: 'store_id',
      account_status: { column: 'activebool', codes: { f: 'SUSPENDED' }, else: 'ACTIVE' },
    });
  });
});

describe('a hotel', () => {
  const { feed, rows, mapping, text } = of('hotel', {
    'pms.guests.tier': ['GOLD', 'SILVER'],
    'pms.reservations.booking_channel': ['FRONT_DESK', 'OTA', 'WEB'],
    'pms.reservations.status': ['BOOKED', 'CANCELLED'],
    'pms.points_ledger.entry_type': ['EARN', 'EXPIRE', 'REDEEM'],
  });

  it('has reservations by way of rooms to properties, and not the days of the stay for the moment of booking', () => {
    expect(feed('store')).toMatchObject({
      table: 'pms.properties',
      columns: { timezone: 'time_zone', latitude: 'lat' },
    });
    expect(feed('transaction')).toMatchObject({
      table: 'pms.reservations',
      join: { room: { table: 'pms.rooms', on: { room_id: 'room_id' } } },
      columns: {
        store_id: 'room.property_id',
        posted_at: 'created_at',
        origin: {
          column: 'booking_channel',
          codes: { FRONT_DESK: 'POS', OTA: 'PARTNER', WEB: 'ONLINE_ORDER' },
          else: 'POS',
        },
      },
    });
  });

  it('takes a status that changes later for no refusal and no void', () => {
    expect(feed('transaction').columns).not.toHaveProperty('modifier');
    expect(text).toContain('status has the codes BOOKED, CANCELLED');
  });

  it('has lines of points with the time of their transaction', () => {
    expect(feed('wallet_entry')).toMatchObject({
      where: { reservation_id: { set: true } },
      columns: {
        transaction_id: 'reservation_id',
        posted_at: 'reservation.created_at',
        balance_after: 'balance_after',
        entry_kind: {
          column: 'entry_type',
          codes: { EARN: 'ACCRUED', EXPIRE: 'EXPIRED', REDEEM: 'REDEEMED' },
          else: 'ADJUSTED',
        },
      },
    });
  });

  it('names tiers, forgets the deleted, and hears what guests say', () => {
    expect(rows('tier').map(({ tier_code: code }) => code)).toEqual(['GOLD', 'SILVER']);
    expect(feed('guest').columns['status']).toEqual({
      of: { column: 'deleted_at', true: 'set' },
      codes: { t: 'DELETED' },
      else: 'ACTIVE',
    });
    expect(feed('survey_response').columns).toMatchObject({
      overall_score: 'overall_rating',
      store_id: 'property_id',
    });
  });

  it('only offers payments of reservations as recharges', () => {
    expect(mapping).not.toHaveProperty('recharge');
    expect(text).toMatch(/^ {2}# recharge from pms\.folio_payments: confidence low\. Only offered/m);
    expect(text).toMatch(/^ {2}# recharge:\n {2}# {3}table: pms\.folio_payments$/m);
  });
});

describe('a cinema', () => {
  const { feed, text } = of('cinema', { 'public.referrals.status': ['joined', 'sent'] });

  it('has bookings of a card, by way of screening and screen to the cinema', () => {
    expect(feed('transaction')).toMatchObject({
      table: 'public.bookings',
      columns: { account_id: 'club_card.member_id', card_id: 'card_id', store_id: 'screen.cinema_id' },
    });
    expect(text).toContain('Runner-up: public.tickets');
  });

  it('has the names of members with persons', () => {
    expect(feed('guest')).toMatchObject({
      table: 'public.club_members',
      join: { person: { table: 'public.persons', on: { id: 'person_id' } } },
      columns: { first_name: 'person.first_name', last_name: 'person.last_name' },
    });
  });

  it('tells who recommended from who was', () => {
    expect(feed('referral').columns).toMatchObject({
      referrer_account_id: 'referrer_id',
      referred_account_id: 'friend_id',
      status: { column: 'status', codes: { joined: 'REGISTERED', sent: 'SENT' }, else: 'SENT' },
    });
  });
});

describe('a coffee shop', () => {
  const { feed, mapping } = of('coffee-shop', {
    'public.tbl_customer.accepts_marketing': ['no', 'yes'],
    'public.tbl_customer.is_active': ['N', 'Y'],
    'public.tbl_topup.status': ['FAILED', 'NEW', 'PAID'],
  });

  it('is read through its prefixes and abbreviations, without a foreign key', () => {
    expect(feed('guest')).toMatchObject({
      table: 'public.tbl_customer',
      columns: {
        first_name: 'cust_fname',
        last_name: 'cust_lname',
        email_opt_in: { column: 'accepts_marketing', true: ['yes'] },
      },
    });
    expect(feed('transaction')).toMatchObject({
      table: 'public.tbl_order_header',
      join: { barista: { table: 'public.tbl_barista', on: { barista_id: 'barista_id' } } },
      columns: { account_id: 'cust_id', store_id: 'barista.branch_id', pos_transaction_id: 'order_no' },
    });
  });

  it('has two wallets in one row, and cents', () => {
    const balances = mapping['wallet']?.map((wallet) =>
      'columns' in wallet ? wallet.columns['balance'] : null,
    );
    expect(balances).toEqual([
      { first: ['stars', { value: 0 }] },
      { first: [{ column: 'gift_balance_cents', scale: 2 }, { value: 0 }] },
    ]);
    expect(feed('check').columns).toMatchObject({
      subtotal: { column: 'subtotal_cents', scale: 2 },
      discount_total: { column: 'discount_cents', scale: 2 },
      total: { column: 'total_cents', scale: 2 },
    });
  });

  it('sends a top-up when it is paid', () => {
    expect(feed('recharge').columns['transaction_state']).toEqual({
      column: 'status',
      codes: { FAILED: 'Failed', NEW: 'Pending', PAID: 'Succeeded' },
      else: 'Pending',
    });
  });
});

describe('a web shop', () => {
  const { feed, rows, mapping, text } = of('web-shop', {
    'public.User.role': ['ADMIN', 'CUSTOMER'],
    'public.Order.currency': ['EUR'],
  });

  it('has customers among its users', () => {
    expect(feed('guest')).toMatchObject({ table: 'public.User', where: { role: ['CUSTOMER'] } });
    expect(feed('account').where).toEqual({ role: ['CUSTOMER'] });
    expect(text).toContain('Of role there is also ADMIN');
  });

  it('has orders in their currency', () => {
    expect(feed('transaction')).toMatchObject({
      table: 'public.Order',
      columns: { account_id: 'userId', posted_at: 'createdAt' },
    });
    expect(feed('check').columns).toMatchObject({ total: 'totalPrice', check_number: 'orderNumber' });
    expect(rows('merchant')).toMatchObject([{ currency: 'EUR' }]);
  });

  it('takes opinions of products for no survey', () => {
    expect(mapping).not.toHaveProperty('survey_response');
    expect(text).toMatch(/it is about\s+# public\.Product, so it may be no survey/);
  });
});

describe('a gym', () => {
  const { feed } = of('gym');

  it('has check-ins beside bookings, and payments that may be recharges', () => {
    expect(feed('check_in')).toMatchObject({
      table: 'public.check_ins',
      columns: { account_id: 'member_id', store_id: 'location_id', checkin_time: 'checked_in_at' },
    });
    expect(feed('transaction')).toMatchObject({
      table: 'public.class_bookings',
      columns: { store_id: 'class.location_id' },
    });
    expect(feed('recharge').table).toBe('public.payments');
    expect(feed('account').columns['favorite_store_id']).toBe('home_location_id');
  });
});
