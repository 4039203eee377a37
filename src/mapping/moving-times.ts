import type { Knex } from 'knex';
import { tableUpdates } from '../postgres/table-updates.js';
import type { TableName } from '../records/tables.js';
import { asksForCommitTime } from './commit-timed.js';
import type { CustomEvent, Feed, Mapping } from './mapping.js';

/**
 * Times that are the commit of a row's last version, of tables that are updated: there they are not when something happened
 * but when its row was last touched, and no row tells which of the two.
 */
export interface MovingTimes {
  /** The tables by whose updates this time moves; empty: it stands. */
  of(record: TableName, column: string): readonly string[];
  /** As above of a custom event's timestamp. */
  ofCustom(event: CustomEvent): boolean;
}

export const NOTHING_MOVES: MovingTimes = { of: () => [], ofCustom: () => false };

/** Which times move. That a table is updated its statistics say, or that it holds balances. @throws ConnectorError DATABASE_… */
export async function movingTimes(knex: Knex, mapping: Mapping): Promise<MovingTimes> {
  const feeds = [...(mapping.feeds?.values() ?? [])].flat();
  const customs = [...mapping.customEvents.values()].flat().filter(isCommitTimed);
  const asking = feeds.filter(({ columns }) => Object.values(columns).some(asksForCommitTime));
  const tables = [...new Set([...asking, ...customs].map(({ table }) => table))];
  const updates = await tableUpdates(knex, tables);
  const ofBalances = new Set(feeds.filter(holdsBalances).map(({ table }) => table));
  const isUpdated = (table: string): boolean => (updates.get(table) ?? 0) > 0 || ofBalances.has(table);
  return {
    of: (record, column) => mapping.relations.commitTimed(record, column).filter(isUpdated),
    ofCustom: (event) => isCommitTimed(event) && isUpdated(event.table),
  };
}

/** Without a timestamp it is when the row was committed, too. */
function isCommitTimed({ timestamp }: CustomEvent): boolean {
  return timestamp === null || asksForCommitTime(timestamp);
}

function holdsBalances({ record, columns }: Feed): boolean {
  const balance = record === 'loyalty.account_wallet' ? columns['balance'] : undefined;
  return balance !== undefined && balance.kind !== 'constant';
}
