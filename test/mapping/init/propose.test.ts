import { describe, expect, it } from 'vitest';
import { catalogueOf, type ReadDdlOptions } from './ddl.js';
import { proposed } from './proposed.js';

function of(ddl: string, options: ReadDdlOptions = {}) {
  return proposed(catalogueOf(ddl, options));
}

const ORDERS = `CREATE TABLE orders (
  id int8 PRIMARY KEY,
  customer_id int8 NOT NULL REFERENCES customers (id),
  total numeric(8,2) NOT NULL,
  created_at timestamptz NOT NULL
);`;

const CUSTOMERS = `CREATE TABLE customers (
  id int8 PRIMARY KEY,
  name text NOT NULL
);`;

describe('who the guests are', () => {
  it('are customers, and not the users who log in to serve them', () => {
    const { feed, text } = of(`${CUSTOMERS}
CREATE TABLE users (
  id int8 PRIMARY KEY,
  name text,
  email text
);
${ORDERS}`);
    expect(feed('guest').table).toBe('public.customers');
    expect(text).toContain('Runner-up: public.users');
  });

  it('are told by a key of several columns together', () => {
    const { feed } = of(`CREATE TABLE members (
  brand int4 NOT NULL,
  no int4 NOT NULL,
  name text,
  PRIMARY KEY (brand, no)
);
CREATE TABLE sales (
  sale_id int8 PRIMARY KEY,
  member_no int4,
  member_brand int4,
  sold_at timestamptz NOT NULL,
  FOREIGN KEY (member_no, member_brand) REFERENCES members (no, brand)
);`);
    expect(feed('guest').columns['user_id']).toEqual({ id: ['brand', 'no'] });
    expect(feed('transaction').columns['account_id']).toEqual({ id: ['member_brand', 'member_no'] });
  });

  it('are found by another key than the one they are told by', () => {
    const { feed } = of(`CREATE TABLE members (
  id uuid PRIMARY KEY,
  member_no text NOT NULL UNIQUE,
  full_name text
);
CREATE TABLE sales (
  id int8 PRIMARY KEY,
  member_no text REFERENCES members (member_no),
  sold_at timestamptz NOT NULL
);`);
    expect(feed('transaction')).toMatchObject({
      join: { member: { table: 'public.members', on: { member_no: 'member_no' } } },
      columns: { account_id: 'member.id' },
    });
  });

  it('are recognised by their columns where their name says nothing, and by a comment', () => {
    const { feed } = of(`CREATE TABLE t001 (
  id int8 PRIMARY KEY,
  first_name text,
  email text
);
CREATE TABLE orders (
  id int8 PRIMARY KEY,
  t001_id int8 REFERENCES t001 (id),
  created_at timestamptz NOT NULL
);`);
    expect(feed('guest').table).toBe('public.t001');
    const catalogue = catalogueOf(CUSTOMERS.replace('customers', 'kna1'));
    const commented = catalogue.tables.map((table) => ({ ...table, comment: 'Customer master data' }));
    expect(proposed({ ...catalogue, tables: commented }).feed('guest').table).toBe('public.kna1');
  });

  it('have names with a profile that each has one of', () => {
    const { feed } = of(`CREATE TABLE customers (
  id int8 PRIMARY KEY
);
CREATE TABLE customer_profiles (
  customer_id int8 PRIMARY KEY REFERENCES customers (id),
  first_name text,
  last_name text
);
${ORDERS}`);
    expect(feed('guest')).toMatchObject({
      join: { customer_profile: { table: 'public.customer_profiles', on: { customer_id: 'id' } } },
      columns: { first_name: 'customer_profile.first_name' },
    });
  });

  it('are none without a key, and that is said', () => {
    const { proposal, text } = of(`CREATE TABLE customers (
  name text
);`);
    expect(proposal.tag).toBe('nothing');
    expect(text).toContain('public.customers: it has no primary key');
  });

  it('opted out or in, whichever a column says', () => {
    const { feed } = of(`CREATE TABLE customers (
  id int8 PRIMARY KEY,
  name text,
  unsubscribed bool NOT NULL,
  sms_consent bool
);
${ORDERS}`);
    expect(feed('guest').columns).toMatchObject({
      email_opt_in: { column: 'unsubscribed', true: ['f'] },
      text_opt_in: 'sms_consent',
    });
  });
});

describe('accounts apart from guests', () => {
  it('have the key of the guest where each has one', () => {
    const { feed } = of(`${CUSTOMERS}
CREATE TABLE loyalty_accounts (
  id int8 PRIMARY KEY,
  customer_id int8 NOT NULL UNIQUE REFERENCES customers (id),
  points int4 NOT NULL,
  tier_id int4 REFERENCES tiers (id),
  enrolled_at timestamptz NOT NULL
);
CREATE TABLE tiers (
  id int4 PRIMARY KEY,
  name text NOT NULL
);
${ORDERS}`);
    expect(feed('account')).toMatchObject({
      table: 'public.loyalty_accounts',
      columns: {
        account_id: 'customer_id',
        user_id: 'customer_id',
        tier_code: 'tier_id',
        registered_at: 'enrolled_at',
      },
    });
    expect(feed('tier')).toMatchObject({
      table: 'public.tiers',
      columns: { tier_code: 'id', label: 'name' },
    });
    expect(feed('wallet')).toMatchObject({
      table: 'public.loyalty_accounts',
      columns: { account_id: 'customer_id', balance: 'points' },
    });
    expect(feed('transaction').columns['account_id']).toBe('customer_id');
  });

  it('have their own where a guest has several and sales name them', () => {
    const { feed } = of(`${CUSTOMERS}
CREATE TABLE loyalty_accounts (
  account_no text PRIMARY KEY,
  customer_id int8 REFERENCES customers (id),
  points int4
);
CREATE TABLE sales (
  id int8 PRIMARY KEY,
  account_no text REFERENCES loyalty_accounts (account_no),
  sold_at timestamptz NOT NULL
);`);
    expect(feed('account').columns).toMatchObject({ account_id: 'account_no', user_id: 'customer_id' });
    expect(feed('transaction').columns['account_id']).toBe('account_no');
    expect(feed('wallet').columns['account_id']).toBe('account_no');
  });

  it('have their points with the card where the card has them', () => {
    const { feed } = of(`${CUSTOMERS}
CREATE TABLE cards (
  card_no text PRIMARY KEY,
  customer_id int8 REFERENCES customers (id),
  points int4 NOT NULL
);
CREATE TABLE sales (
  id int8 PRIMARY KEY,
  card_no text NOT NULL,
  sold_at timestamptz NOT NULL
);
CREATE TABLE reloads (
  id int8 PRIMARY KEY,
  card_no text NOT NULL,
  amount numeric(8,2) NOT NULL,
  created_at timestamptz NOT NULL
);`);
    expect(feed('card').columns).toMatchObject({
      card_id: 'card_no',
      account_id: 'customer_id',
      printed_card_number: 'card_no',
    });
    expect(feed('wallet')).toMatchObject({
      table: 'public.cards',
      columns: { account_id: 'customer_id', balance: 'points' },
    });
    expect(feed('transaction').columns).toMatchObject({ account_id: 'card.customer_id', card_id: 'card_no' });
    expect(feed('recharge').columns).toMatchObject({
      account_id: 'card.customer_id',
      card_id: 'card_no',
      amount: 'amount',
    });
  });

  it("never give an account's id for a card's", () => {
    const { feed } = of(`${CUSTOMERS}
CREATE TABLE cards (
  id int8 PRIMARY KEY,
  customer_id int8 NOT NULL REFERENCES customers (id),
  card_number text NOT NULL
);
CREATE TABLE topups (
  id int8 PRIMARY KEY,
  customer_id int8 NOT NULL REFERENCES customers (id),
  amount numeric(8,2) NOT NULL,
  created_at timestamptz NOT NULL
);`);
    expect(feed('recharge').columns).not.toHaveProperty('card_id');
  });
});

describe('a recharge', () => {
  it('that is pending at first is never taken for one that succeeded', () => {
    const { feed } = of(
      `${CUSTOMERS}
CREATE TABLE gift_loads (
  load_id uuid PRIMARY KEY,
  customer_id int8 NOT NULL REFERENCES customers (id),
  cents int8 NOT NULL,
  state_code char(1) NOT NULL,
  pay_code text
);`,
      { codes: { 'public.gift_loads.state_code': ['P', 'S'] } },
    );
    expect(feed('recharge').columns).toMatchObject({
      transaction_state: {
        column: 'state_code',
        codes: { P: 'Pending', S: 'Succeeded' },
        else: 'Pending',
      },
      payment_type: { first: ['pay_code', { value: 'UNKNOWN' }] },
    });
  });
});

describe('a guest', () => {
  it('has an address and a telephone of their own, for the sources that ask for them', () => {
    const { feed, text } = of(`CREATE TABLE members (
  id int8 PRIMARY KEY,
  first_name text,
  email text,
  mobile text
);
${ORDERS.replaceAll('customers', 'members')}`);
    expect(feed('guest').columns).toMatchObject({ email: 'email', mobile_phone: 'mobile' });
    expect(text).toContain('read only where a source has it in traits');
  });
});

describe('what cannot be placed is named with the reason', () => {
  it('movements of points that say no balance', () => {
    const { text, mapping } = of(`${CUSTOMERS}
${ORDERS}
CREATE TABLE points_ledger (
  id int8 PRIMARY KEY,
  customer_id int8 NOT NULL REFERENCES customers (id),
  points int4 NOT NULL,
  created_at timestamptz NOT NULL
);`);
    expect(mapping).not.toHaveProperty('wallet_entry');
    expect(text.replaceAll(/\n# +/g, ' ')).toContain(
      'public.points_ledger: looks like movements of points, but no column says the balance after each',
    );
  });

  it('answers that have a row for each question', () => {
    const { text, mapping } = of(`${CUSTOMERS}
${ORDERS}
CREATE TABLE survey_answers (
  id int8 PRIMARY KEY,
  customer_id int8 NOT NULL REFERENCES customers (id),
  question text NOT NULL,
  rating int4,
  created_at timestamptz NOT NULL
);`);
    expect(mapping).not.toHaveProperty('survey_response');
    expect(text).toContain('public.survey_answers: has a row for each question');
  });

  it('other things guests do', () => {
    const { text } = of(`${CUSTOMERS}
${ORDERS}
CREATE TABLE wishlists (
  id int8 PRIMARY KEY,
  customer_id int8 NOT NULL REFERENCES customers (id),
  created_at timestamptz NOT NULL
);`);
    expect(text).toContain(
      'public.wishlists: is about guests, and none of the nine events: it can be one of custom_events.',
    );
  });

  it('events that nothing gives', () => {
    const { text } = of(`${CUSTOMERS}\n${ORDERS}`);
    for (const event of [
      'Add/Redeem',
      'Recharge Value',
      'Check-In',
      'Referral',
      'Survey Completion',
      'Identify Customer',
    ]) {
      expect(text).toContain(`#   ${event}: `);
    }
    expect(text).toContain('#   Loyalty Registration: no account has registered_at.');
  });
});

describe('times', () => {
  const NAIVE = `${CUSTOMERS}\n${ORDERS.replace('timestamptz', 'timestamp')}`;

  it('without a zone are of that of the server where it is that of a region', () => {
    const { zone, text } = of(NAIVE, { serverZone: 'Europe/Madrid' });
    expect(zone).toBe('Europe/Madrid');
    expect(text).toContain('write UTC here');
  });

  it.each(['UTC', 'Etc/UTC', 'GMT', 'posixrules', '<+03>-03', 'Mars/Olympus'])(
    'are left to be asked for where the server has %s',
    (serverZone) => {
      const { zone, text } = of(NAIVE, { serverZone });
      expect(zone).toBe('UTC');
      expect(text).toContain(
        `# TODO the region whose clocks the times without a zone show: the server's TimeZone is ${serverZone}.`,
      );
    },
  );

  it('of the act and of its recording are both taken', () => {
    const { feed } = of(`${CUSTOMERS}
CREATE TABLE sales (
  id int8 PRIMARY KEY,
  customer_id int8 NOT NULL REFERENCES customers (id),
  sold_at timestamp NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);`);
    expect(feed('transaction').columns).toMatchObject({
      posted_at: 'created_at',
      pos_transaction_at: 'sold_at',
    });
  });
});

describe('a table in two schemas', () => {
  it('is referred to by those beside it', () => {
    const { feed } = of(`${CUSTOMERS}
CREATE TABLE sales (
  id int8 PRIMARY KEY,
  customer_id int8,
  sold_at timestamptz NOT NULL
);
CREATE TABLE old.customers (
  id int8 PRIMARY KEY,
  name text
);`);
    expect(feed('transaction')).toMatchObject({
      table: 'public.sales',
      columns: { account_id: 'customer_id' },
    });
    expect(feed('guest').table).toBe('public.customers');
  });
});
