import type { Knex } from 'knex';

/**
 * The connector's own state in the database whose WAL it reads, so that a restored or failed-over database brings the
 * matching state with it. Also printed by `setup --print`, hence plain statements.
 */
export const STATEMENTS: readonly string[] = [
  `CREATE TABLE segment_connector.checkpoint (
  slot_name text PRIMARY KEY,
  system_identifier text NOT NULL,
  timeline integer NOT NULL,
  end_lsn pg_lsn NOT NULL,
  commit_time timestamptz,
  publication jsonb NOT NULL,
  lanes jsonb NOT NULL DEFAULT '{}',
  delivered jsonb NOT NULL DEFAULT '{}',
  enabled_from timestamptz NOT NULL,
  enabled_from_lsn pg_lsn NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
)`,
  `CREATE TABLE segment_connector.gap (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  slot_name text NOT NULL,
  source text,
  from_lsn pg_lsn,
  to_lsn pg_lsn,
  from_time timestamptz,
  to_time timestamptz,
  reason text NOT NULL,
  detected_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  closed_by text
)`,
  `CREATE INDEX gap_open ON segment_connector.gap (slot_name, source) WHERE closed_at IS NULL`,
];

export async function up(knex: Knex): Promise<void> {
  for (const statement of STATEMENTS) await knex.raw(statement);
}

/** Migrations are append-only: going back is restoring a backup. */
export async function down(): Promise<void> {}
