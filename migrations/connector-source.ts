import type { Knex } from 'knex';

/**
 * Where each Segment source takes part in the stream: from the commits after `added_lsn` on (null: it never did, or was
 * removed), and while it is parked no further than `parked_lsn`.
 */
export const STATEMENTS: readonly string[] = [
  `CREATE TABLE segment_connector.source (
  slot_name text NOT NULL,
  source text NOT NULL,
  added_lsn pg_lsn,
  added_at timestamptz,
  removed_at timestamptz,
  parked_lsn pg_lsn,
  parked_commit_time timestamptz,
  parked_at timestamptz,
  paused_at timestamptz,
  PRIMARY KEY (slot_name, source)
)`,
];

export async function up(knex: Knex): Promise<void> {
  for (const statement of STATEMENTS) await knex.raw(statement);
}

/** Migrations are append-only: going back is restoring a backup. */
export async function down(): Promise<void> {}
