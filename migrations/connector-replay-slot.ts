import type { Knex } from 'knex';

/**
 * What replay and healing need to know of the past: where the stream stood at which time, and of which guests nothing
 * may be sent, whatever Redis has forgotten.
 */
export const STATEMENTS: readonly string[] = [
  `CREATE TABLE segment_connector.position_time (
  slot_name text NOT NULL,
  lsn pg_lsn NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (slot_name, lsn)
)`,
  `CREATE TABLE segment_connector.suppressed_guest (
  guest_id text PRIMARY KEY,
  suppressed_at timestamptz NOT NULL DEFAULT now()
)`,
];

export async function up(knex: Knex): Promise<void> {
  for (const statement of STATEMENTS) await knex.raw(statement);
}

/** Migrations are append-only: going back is restoring a backup. */
export async function down(): Promise<void> {}
