import type { Knex } from 'knex';

import { REFERENCE_SCHEMA } from './reference-schema.js';

/** Months before and after the current one that get a partition of their own; anything else goes to the default one. */
const PAST_MONTHS = 4;
const COMING_MONTHS = 3;

const PARTITIONS = `
DO $$
DECLARE
  this_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
  month timestamp;
  ledger text;
BEGIN
  FOREACH ledger IN ARRAY ARRAY['transaction', 'wallet_entry'] LOOP
    FOR month IN SELECT generate_series(this_month - interval '${PAST_MONTHS} months',
                                        this_month + interval '${COMING_MONTHS} months', interval '1 month') LOOP
      EXECUTE format('CREATE TABLE txn.%I PARTITION OF txn.%I FOR VALUES FROM (%L) TO (%L)',
        ledger || '_' || to_char(month, 'YYYYMM'), ledger,
        to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
        to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
    END LOOP;
    EXECUTE format('CREATE TABLE txn.%I PARTITION OF txn.%I DEFAULT', ledger || '_default', ledger);
  END LOOP;
END
$$;
`;

// "Was any account merged into this one?" is asked at first sight of an account; without it that reads the whole table.
const MERGED_INTO_INDEX = `
CREATE INDEX ON loyalty.account (merged_into_account_id) WHERE merged_into_account_id IS NOT NULL;
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(REFERENCE_SCHEMA);
  await knex.raw(PARTITIONS);
  await knex.raw(MERGED_INTO_INDEX);
}

/** Migrations are append-only: going back is restoring a backup. */
export async function down(): Promise<void> {}
