import type { Knex } from 'knex';

/** Replays and how far each has come, so that an interrupted one can be resumed. */
export const STATEMENTS: readonly string[] = [
  `CREATE TABLE segment_connector.replay_run (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  slot_name text NOT NULL,
  source text NOT NULL,
  arguments jsonb NOT NULL,
  id_suffix text,
  from_lsn pg_lsn NOT NULL,
  to_lsn pg_lsn NOT NULL,
  from_time_us bigint,
  to_time_us bigint,
  position pg_lsn NOT NULL,
  lane jsonb NOT NULL DEFAULT '{}',
  planned jsonb NOT NULL,
  done jsonb NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
)`,
  `CREATE INDEX replay_run_open ON segment_connector.replay_run (slot_name) WHERE finished_at IS NULL`,
];

export async function up(knex: Knex): Promise<void> {
  for (const statement of STATEMENTS) await knex.raw(statement);
}

/** Migrations are append-only: going back is restoring a backup. */
export async function down(): Promise<void> {}
