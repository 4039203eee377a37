-- The rows that imply the example calls beside this file. Each commit is one database transaction, run in this order.
-- Calls implied beyond the examples are listed under the commit that implies them.

-- commit: reference
INSERT INTO loyalty.merchant (merchant_id, name, default_timezone, currency, status, is_demo) VALUES
  (777777, 'Pizzaland', 'America/New_York', 'USD', 'ACTIVE', false);
INSERT INTO loyalty.store (store_id, merchant_id, store_code, store_name, city, state_province, postal_code, country, latitude, longitude, timezone, store_kind) VALUES
  (1, 777777, 'corp', 'Corporate', 'Newton', 'MA', '02458', 'US', 0.000000, 0.000000, 'America/New_York', 'CORPORATE'),
  (2, 777777, '211', 'Pizzaland Concord', 'Concord', 'MA', '02459', 'US', 42.380000, -71.200000, 'America/New_York', 'RETAIL');
INSERT INTO loyalty.card_template (merchant_id, card_template_code, label, program_kind) VALUES
  (777777, 3, 'Loyalty Card', 'COMBINED');
INSERT INTO loyalty.tier (merchant_id, card_template_code, tier_code, label, rank) VALUES
  (777777, 3, 1, 'Base', 1),
  (777777, 3, 2, 'Gold', 2);
INSERT INTO loyalty.wallet_definition (merchant_id, wallet_code, label, wallet_type, value_kind, unit, scale, currency, guest_visible, giftable, sort_order) VALUES
  (777777, 3, 'Points', 'POINT', 'POINTS', 'points', 0, NULL, true, false, 1),
  (777777, 11, '$5 Off Reward', 'REDEEM', 'REWARD', 'reward', 0, NULL, true, true, 2),
  (777777, 20, 'Stored Value', 'STORED_VALUE', 'CURRENCY', 'USD', 2, 'USD', true, true, 3),
  (777777, 30, 'Burgers bought', 'ADD', 'ITEM_COUNT', 'items', 0, NULL, false, false, 4);
INSERT INTO survey.survey (survey_id, merchant_id, survey_code, title) VALUES
  (412, 777777, 'POSTVISIT', 'How was your visit?');
INSERT INTO survey.question (question_id, survey_id, question_code, kind, prompt, position) VALUES
  (4121, 412, 'FOOD', 'CHOICE', 'How was the food?', 1),
  (4122, 412, 'SERVICE', 'CHOICE', 'How was the service?', 2),
  (4123, 412, 'CLEAN', 'CHOICE', 'How clean was the store?', 3),
  (4124, 412, 'VALUE', 'CHOICE', 'Was it worth the price?', 4),
  (4125, 412, 'NPS', 'NUMBER', 'Would you recommend us?', 5);

-- commit: registration
INSERT INTO loyalty.guest (user_id, merchant_id, username, first_name, last_name, email, mobile_phone, email_opt_in, text_opt_in, status) VALUES
  (300501, 777777, 'derek', 'Derek', 'Lee', 'derek@example.com', '+15550100', true, false, 'ACTIVE');
INSERT INTO loyalty.account (account_id, merchant_id, user_id, card_template_code, tier_code, account_status, enroll_date, enrolled_at, enrollment_store_id, enrollment_source, registered_at, registration_source, favorite_store_id, external_account_code, account_kind, updated_at) VALUES
  (998877, 777777, 300501, 3, 1, 'ACTIVE', '2026-11-19', '2026-11-20 02:11:45+00', 1, 'GUEST_WEBSITE', '2026-11-20 02:11:45+00', 'GUEST_WEBSITE', 2, 'EXT-77', 'GUEST', '2026-11-20 02:11:45+00');
INSERT INTO loyalty.card (card_id, merchant_id, account_id, printed_card_number, masked_card_number, medium, status, is_primary, activated_at) VALUES
  (70001, 777777, 998877, '6000301000418000', '**********418000', 'VIRTUAL', 'ACTIVE', true, '2026-11-20 02:11:45+00');
INSERT INTO loyalty.account_wallet (account_id, wallet_code, merchant_id, balance, lifetime_added, lifetime_redeemed, expirations, updated_at) VALUES
  (998877, 3, 777777, 0, 0, 0, '[]', '2026-11-20 02:11:45+00'),
  (998877, 11, 777777, 1, 1, 0, '[{"quantity": 1, "expires_on": "2026-12-31"}]', '2026-11-20 02:11:45+00'),
  (998877, 20, 777777, 0, 0, 0, '[]', '2026-11-20 02:11:45+00'),
  (998877, 30, 777777, 0, 0, 0, '[]', '2026-11-20 02:11:45+00');

-- commit: earlier-visits
UPDATE loyalty.account SET tier_code = 2, updated_at = '2026-11-20 12:00:00+00' WHERE account_id = 998877;
UPDATE loyalty.account_wallet SET balance = 1250, lifetime_added = 2407, lifetime_redeemed = 1157, updated_at = '2026-11-19 12:00:00+00' WHERE account_id = 998877 AND wallet_code = 3;
UPDATE loyalty.account_wallet SET balance = 1, lifetime_added = 4, lifetime_redeemed = 3, updated_at = '2026-11-19 12:00:00+00' WHERE account_id = 998877 AND wallet_code = 11;
UPDATE loyalty.account_wallet SET balance = 25, lifetime_added = 100, lifetime_redeemed = 75, updated_at = '2026-11-19 12:00:00+00' WHERE account_id = 998877 AND wallet_code = 20;
UPDATE loyalty.account_wallet SET balance = 40, lifetime_added = 40, lifetime_redeemed = 0, updated_at = '2026-11-19 12:00:00+00' WHERE account_id = 998877 AND wallet_code = 30;

-- commit: check-in
INSERT INTO loyalty.checkin (checkin_id, merchant_id, account_id, card_id, store_id, external_store_code, short_card_number, channel, checkin_time, expiration_time) VALUES
  (77001, 777777, 998877, 70001, 2, NULL, '482913', 'MOBILE_APP', '2026-11-20 18:31:00+00', '2026-11-20 19:31:00+00');

-- commit: identify-customer
-- also: px-777777-identify-2-20261120-4502-998877, px-777777-pos_activity-5501234570
INSERT INTO txn.pos_check (check_id, merchant_id, store_id, check_number, agent_name, business_date, opened_at, subtotal, discount_total, total) VALUES
  (880002, 777777, 2, '4502', 'till', '2026-11-20', '2026-11-20 18:35:00+00', NULL, NULL, NULL);
INSERT INTO txn.transaction (transaction_id, posted_at, merchant_id, account_id, card_id, store_id, transaction_type, modifier, result, origin, program_id, terminal_id, operator_id, pos_transaction_id, pos_transaction_at, is_offline, is_training, check_id) VALUES
  (5501234570, '2026-11-20 18:35:10.412+00', 777777, 998877, 70001, 2, 'IDENTIFY_CUSTOMER', 'NONE', 'AUTHORIZED', 'POS', 'PX', '1023', '1234', '4502', '2026-11-20 18:35:10+00', false, false, 880002);

-- commit: pos-activity
INSERT INTO loyalty.account (account_id, merchant_id, user_id, card_template_code, tier_code, account_status, enroll_date, enrolled_at, enrollment_store_id, enrollment_source, account_kind, updated_at) VALUES
  (998901, 777777, NULL, 3, 1, 'ACTIVE', '2026-11-20', '2026-11-20 18:40:02+00', 2, 'POS', 'GUEST', '2026-11-20 18:40:03.12+00');
INSERT INTO loyalty.card (card_id, merchant_id, account_id, printed_card_number, masked_card_number, medium, status, is_primary, activated_at) VALUES
  (70002, 777777, 998901, '6000301000418026', '**********418026', 'PHYSICAL', 'ACTIVE', true, '2026-11-20 18:40:02+00');
INSERT INTO loyalty.account_wallet (account_id, wallet_code, merchant_id, balance, lifetime_added, lifetime_redeemed, expirations, updated_at) VALUES
  (998901, 3, 777777, 0, 0, 0, '[]', '2026-11-20 18:40:03.12+00');
INSERT INTO txn.pos_check (check_id, merchant_id, store_id, check_number, agent_name, business_date, opened_at, subtotal, discount_total, total) VALUES
  (880001, 777777, 2, '4501', 'till', '2026-11-20', '2026-11-20 18:39:00+00', NULL, NULL, NULL);
INSERT INTO txn.transaction (transaction_id, posted_at, merchant_id, account_id, card_id, store_id, transaction_type, modifier, result, origin, program_id, terminal_id, operator_id, pos_transaction_id, pos_transaction_at, is_offline, is_training, check_id) VALUES
  (5501234566, '2026-11-20 18:40:03.12+00', 777777, 998901, 70002, 2, 'ACTIVATE', 'NONE', 'AUTHORIZED', 'POS', 'PX', '1023', '1234', '4501', '2026-11-20 18:40:02+00', false, false, 880001);

-- commit: add-redeem
-- also: px-777777-pos_activity-5501234580
UPDATE txn.pos_check SET closed_at = '2026-11-20 19:02:11+00', subtotal = 43.00, discount_total = 5.00, total = 47.83 WHERE check_id = 880002;
INSERT INTO txn.check_card (check_id, card_id, amount_paid) VALUES
  (880002, 70001, 47.83);
INSERT INTO txn.transaction (transaction_id, posted_at, merchant_id, account_id, card_id, store_id, transaction_type, modifier, result, origin, program_id, terminal_id, operator_id, pos_transaction_id, pos_transaction_at, is_offline, is_training, check_id) VALUES
  (5501234580, '2026-11-20 19:02:12.007123+00', 777777, 998877, 70001, 2, 'ADD_REDEEM', 'NONE', 'AUTHORIZED', 'POS', 'PX', '1023', '1234', '4502', '2026-11-20 19:02:11+00', false, false, 880002);
INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after) VALUES
  ('2026-11-20 19:02:12.007123+00', 5501234580, 1, 777777, 998877, 11, 'REDEEMED', 1, 0),
  ('2026-11-20 19:02:12.007123+00', 5501234580, 2, 777777, 998877, 3, 'ACCRUED', 43, 1293),
  ('2026-11-20 19:02:12.007123+00', 5501234580, 3, 777777, 998877, 30, 'ACCRUED', 1, 41);
UPDATE loyalty.account_wallet SET balance = 1293, lifetime_added = 2450, lifetime_redeemed = 1157, updated_at = '2026-11-20 19:02:12.007123+00' WHERE account_id = 998877 AND wallet_code = 3;
UPDATE loyalty.account_wallet SET balance = 0, lifetime_added = 4, lifetime_redeemed = 4, expirations = '[]', updated_at = '2026-11-20 19:02:12.007123+00' WHERE account_id = 998877 AND wallet_code = 11;
UPDATE loyalty.account_wallet SET updated_at = '2026-11-20 19:02:12.007123+00' WHERE account_id = 998877 AND wallet_code = 20;
UPDATE loyalty.account_wallet SET balance = 41, lifetime_added = 41, lifetime_redeemed = 0, updated_at = '2026-11-20 19:02:12.007123+00' WHERE account_id = 998877 AND wallet_code = 30;

-- commit: referral
INSERT INTO loyalty.referral (referral_id, merchant_id, referrer_account_id, referral_code, channel, referred_email_sha256, referred_account_id, status, created_at) VALUES
  (31007, 777777, 998877, 'DEREK-7Q2K', 'EMAIL', '\x00ff', NULL, 'SENT', '2026-11-20 19:05:00+00');

-- commit: recharge-requested
INSERT INTO txn.recharge (recharge_id, merchant_id, account_id, card_id, store_id, wallet_code, amount, bonus_amount, currency, recharge_kind, payment_type, card_type, last_four, transaction_state, requested_at, completed_at, transaction_id, channel) VALUES
  (90210, 777777, 998877, 70001, 1, 20, 25.00, 2.50, 'USD', 'ONE_TIME', 'CREDIT_CARD', 'VISA', '4242', 'Pending', '2026-11-20 20:14:20+00', NULL, NULL, 'MOBILE_APP');

-- commit: recharge-value
INSERT INTO txn.transaction (transaction_id, posted_at, merchant_id, account_id, card_id, store_id, transaction_type, modifier, result, origin, program_id, terminal_id, operator_id, pos_transaction_id, pos_transaction_at, is_offline, is_training, check_id) VALUES
  (5501239001, '2026-11-20 20:14:25+00', 777777, 998877, 70001, 1, 'RECHARGE', 'NONE', 'AUTHORIZED', 'MOBILE_APP', 'SV', NULL, NULL, NULL, NULL, false, false, NULL);
INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after) VALUES
  ('2026-11-20 20:14:25+00', 5501239001, 1, 777777, 998877, 20, 'ACCRUED', 25.00, 50.00),
  ('2026-11-20 20:14:25+00', 5501239001, 2, 777777, 998877, 20, 'ACCRUED', 2.50, 52.50);
UPDATE loyalty.account_wallet SET balance = 52.50, lifetime_added = 127.50, updated_at = '2026-11-20 20:14:25+00' WHERE account_id = 998877 AND wallet_code = 20;
UPDATE loyalty.account_wallet SET updated_at = '2026-11-20 20:14:25+00' WHERE account_id = 998877 AND wallet_code = 3;
UPDATE loyalty.account_wallet SET updated_at = '2026-11-20 20:14:25+00' WHERE account_id = 998877 AND wallet_code = 11;
UPDATE loyalty.account_wallet SET updated_at = '2026-11-20 20:14:25+00' WHERE account_id = 998877 AND wallet_code = 30;
UPDATE txn.recharge SET transaction_state = 'Succeeded', completed_at = '2026-11-20 20:14:25+00', transaction_id = 5501239001 WHERE recharge_id = 90210;

-- commit: survey-started
INSERT INTO survey.invitation (invitation_id, survey_id, account_id, channel, transaction_id, store_id, sent_at) VALUES
  (88012, 412, 998877, 'EMAIL', 5501234580, 2, '2026-11-21 14:00:00+00');
INSERT INTO survey.response (response_id, survey_id, invitation_id, merchant_id, account_id, store_id, status, started_at, completed_at, overall_score, nps, comment, channel) VALUES
  (61005, 412, 88012, 777777, 998877, NULL, 'STARTED', '2026-11-21 15:00:45+00', NULL, NULL, NULL, NULL, 'EMAIL');

-- commit: survey-completion
INSERT INTO survey.answer (response_id, question_id, choice_code, numeric_value, text_value) VALUES
  (61005, 4121, 'GREAT', NULL, NULL),
  (61005, 4122, 'GOOD', NULL, NULL),
  (61005, 4123, 'GREAT', NULL, NULL),
  (61005, 4124, NULL, NULL, 'Mostly.'),
  (61005, 4125, NULL, 9.00, NULL);
UPDATE survey.response SET status = 'COMPLETED', completed_at = '2026-11-21 15:02:09+00', overall_score = 4.50, nps = 9, comment = 'Friendly staff.' WHERE response_id = 61005;
