import type { Knex } from 'knex';

/** Backfills that were begun: what was asked for and how far each is, so that an interrupted one goes on. */
export const STATEMENTS: readonly string[] = [
  `CREATE TABLE segment_connector.backfill_run (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  request jsonb NOT NULL,
  since_us bigint,
  until_us bigint NOT NULL,
  positions jsonb NOT NULL DEFAULT '{}',
  rows_read bigint NOT NULL DEFAULT 0,
  calls jsonb NOT NULL DEFAULT '{}',
  lanes jsonb NOT NULL DEFAULT '{}',
  gap_id bigint REFERENCES segment_connector.gap,
  started_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
)`,
  `CREATE INDEX backfill_run_open ON segment_connector.backfill_run (source) WHERE finished_at IS NULL`,
];

export async function up(knex: Knex): Promise<void> {
  for (const statement of STATEMENTS) await knex.raw(statement);
}

/** Migrations are append-only: going back is restoring a backup. */
export async function down(): Promise<void> {}
