import type { Knex } from 'knex';
import type { Mapping } from '../../mapping/mapping.js';
import { movingTimes } from '../../mapping/moving-times.js';
import { recordNameOf } from '../../mapping/record-names.js';
import { warning, type Finding } from '../../preflight/finding.js';
import type { TableName } from '../../records/tables.js';

/** What rows are placed by. When one was last changed (`updated_at`) is what a commit time is. */
const TIMES: readonly (readonly [TableName, string])[] = [
  ['loyalty.account', 'registered_at'],
  ['loyalty.checkin', 'checkin_time'],
  ['loyalty.referral', 'created_at'],
  ['txn.transaction', 'posted_at'],
  ['txn.wallet_entry', 'posted_at'],
  ['txn.recharge', 'completed_at'],
  ['survey.response', 'completed_at'],
];

/** Commit times that stand for when something happened, in tables that are updated. @throws ConnectorError DATABASE_… */
export async function judgeCommitTimes(knex: Knex, mapping: Mapping): Promise<readonly Finding[]> {
  const moving = await movingTimes(knex, mapping);
  const ofRecords = TIMES.flatMap(([record, column]) =>
    moving
      .of(record, column)
      .map((table) => moves(`${column} of ${recordNameOf(record)} is a commit time`, table)),
  );
  const ofEvents = [...mapping.customEvents.values()]
    .flat()
    .filter((event) => moving.ofCustom(event))
    .map(({ name, timestamp, table }) =>
      moves(timestamp === null ? `${name} has no timestamp` : `timestamp of ${name} is a commit time`, table),
    );
  return [...ofRecords, ...ofEvents];
}

function moves(what: string, table: string): Finding {
  return warning(
    'commit-time',
    `${what}, and ${table} is updated`,
    'Each update of a row moves that time: backfill and recover pass the row over, and reconcile cannot decide about it.',
    'Map a column that says when: see “Commit times” in docs/mapping.md.',
  );
}
