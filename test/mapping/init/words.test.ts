import { describe, expect, it } from 'vitest';
import { nameScore, otherRoleOf, spokenName } from '../../../src/mapping/init/name-score.js';
import type { RecordRole } from '../../../src/mapping/init/vocabulary.js';
import { wordsOf } from '../../../src/mapping/init/words.js';

describe('names as words', () => {
  it.each([
    ['order_items', 'order item'],
    ['OrderItems', 'order item'],
    ['orderitem', 'order item'],
    ['tbl_CustomerAddresses', 'tbl customer address'],
    ['userId', 'user id'],
    ['customerid', 'customer id'],
    ['POSTransactionID', 'pos transaction id'],
    ['address1', 'address 1'],
    ['cities', 'city'],
    ['branches', 'branch'],
    ['purchases', 'purchase'],
    ['people', 'person'],
    ['status', 'status'],
    ['check_ins', 'check in'],
    ['firstname', 'first name'],
    ['void', 'void'],
    ['paid', 'paid'],
    ['constructor', 'constructor'],
  ])('%s is %s', (name, words) => {
    expect(wordsOf(name).join(' ')).toBe(words);
  });
});

describe('what a table is by its name', () => {
  it.each<[RecordRole, readonly string[]]>([
    [
      'guest',
      ['customers', 'Member', 'tbl_guest', 'dim_customer', 'loyalty_members', 'Users', 'CustomerMaster'],
    ],
    [
      'transaction',
      [
        'orders',
        'SalesOrderHeader',
        'sales',
        'rental',
        'transactions',
        'bookings',
        'pos_receipts',
        'fact_sales',
      ],
    ],
    ['recharge', ['topups', 'gift_reload', 'card_reloads', 'payment', 'TopUp']],
    ['store', ['store', 'shops', 'locations', 'branches', 'restaurants', 'cinemas', 'hotels']],
    ['check_in', ['check_ins', 'checkins', 'CheckIn', 'visits']],
    ['wallet_entry', ['points_ledger', 'loyalty_transactions', 'PointsHistory', 'reward_events']],
    ['survey_response', ['survey_responses', 'survey_answers', 'feedback', 'nps_responses']],
    ['referral', ['referrals', 'member_referrals']],
    ['card', ['cards', 'loyalty_cards', 'gift_cards']],
  ])('%s: %j', (role, names) => {
    for (const name of names) expect([name, nameScore(role, name) >= 0.5]).toEqual([name, true]);
  });

  it.each<[RecordRole, readonly string[]]>([
    [
      'guest',
      ['staff_members', 'customer_types', 'user_roles', 'admin_users', 'customer_addresses', 'suppliers'],
    ],
    [
      'transaction',
      [
        'order_items',
        'order_details',
        'points_transactions',
        'supplier_orders',
        'loyalty_transactions',
        'transaction_types',
      ],
    ],
    ['card', ['credit_cards', 'payment_cards', 'score_cards']],
    ['store', ['object_store', 'store_hours', 'data_store']],
    ['check_in', ['page_visits', 'web_visits']],
    ['account', ['bank_accounts', 'gl_accounts']],
    ['survey_response', ['product_reviews', 'api_responses']],
  ])('no %s: %j', (role, names) => {
    for (const name of names) expect([name, nameScore(role, name) < 0.5]).toEqual([name, true]);
  });

  it('a part that helps to read others', () => {
    const roles = [
      'order_items',
      'employees',
      'products',
      'cities',
      'vendors',
      'schema_migrations',
      'orders_bak',
    ].map(otherRoleOf);
    expect(roles).toEqual(['line', 'staff', 'product', 'place', 'supplier', 'machinery', 'copy']);
    expect(otherRoleOf('customers')).toBeNull();
  });

  it('is spoken without what says nothing', () => {
    expect(['tbl_order_header', 'dim_Customer', 'staff', 'data'].map(spokenName)).toEqual([
      'order',
      'customer',
      'staff',
      'data',
    ]);
  });
});
