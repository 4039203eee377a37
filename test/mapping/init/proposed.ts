import { parse } from 'yaml';
import { expect } from 'vitest';
import {
  columnOf,
  fullName,
  isUnique,
  type Catalogue,
  type CatalogueTable,
} from '../../../src/mapping/init/catalogue.js';
import type { Proposal } from '../../../src/mapping/init/proposal.js';
import { propose } from '../../../src/mapping/init/propose.js';
import { renderProposal } from '../../../src/mapping/init/render.js';
import { RECORD_NAMES, RECORDS, type RecordName } from '../../../src/mapping/record-names.js';
import { columnsOf } from '../../../src/records/tables.js';

export type Columns = Readonly<Record<string, unknown>>;

export interface Feed {
  readonly table: string;
  readonly where?: Columns;
  readonly join?: Readonly<
    Record<string, { readonly table: string; readonly on: Readonly<Record<string, string>> }>
  >;
  readonly columns: Columns;
}

export interface Rows {
  readonly rows: readonly Columns[];
}

export interface Proposed {
  readonly text: string;
  readonly proposal: Proposal;
  /** As the file says it, by record; one entry for each table. */
  readonly mapping: Readonly<Record<string, readonly (Feed | Rows)[]>>;
  readonly zone: string | null;
  feed(record: RecordName): Feed;
  rows(record: RecordName): readonly Columns[];
}

/** A proposal with its text read again, whose every name was looked up in the catalogue. */
export function proposed(catalogue: Catalogue): Proposed {
  const proposal = propose(catalogue);
  const text = renderProposal(proposal);
  const file = (parse(text) ?? {}) as { mapping?: Record<string, unknown> };
  const { zone = null, ...records } = file.mapping ?? {};
  const mapping = Object.fromEntries(
    Object.entries(records).map(([record, value]) => [
      record,
      (Array.isArray(value) ? value : [value]) as (Feed | Rows)[],
    ]),
  );
  for (const [record, entries] of Object.entries(mapping)) {
    expect(RECORD_NAMES).toContain(record);
    for (const entry of entries) holds(record as RecordName, entry, catalogue);
  }
  return {
    text,
    proposal,
    mapping,
    zone: zone as string | null,
    feed: (record) => {
      const [feed] = mapping[record] ?? [];
      if (feed === undefined || !('table' in feed)) throw new Error(`no ${record} is proposed from a table`);
      return feed;
    },
    rows: (record) => (mapping[record] ?? []).flatMap((entry) => ('rows' in entry ? entry.rows : [])),
  };
}

function holds(record: RecordName, entry: Feed | Rows, catalogue: Catalogue): void {
  const known = columnsOf(RECORDS[record]);
  if ('rows' in entry) {
    for (const row of entry.rows) expect(known).toEqual(expect.arrayContaining(Object.keys(row)));
    return;
  }
  expect(known).toEqual(expect.arrayContaining(Object.keys(entry.columns)));
  const scope = new Map([['', tableOf(catalogue, entry.table)]]);
  for (const [name, { table, on }] of Object.entries(entry.join ?? {})) {
    const joined = tableOf(catalogue, table);
    expect(isUnique(joined, Object.keys(on)), `${table} by ${Object.keys(on).join()}`).toBe(true);
    for (const value of Object.values(on)) expectColumn(scope, value);
    scope.set(name, joined);
  }
  for (const name of Object.keys(entry.where ?? {})) expectColumn(scope, name);
  for (const value of Object.values(entry.columns))
    for (const name of namesIn(value)) expectColumn(scope, name);
}

function tableOf(catalogue: Catalogue, name: string): CatalogueTable {
  const table = catalogue.tables.find((each) => fullName(each) === name);
  if (table === undefined) throw new Error(`there is no table ${name}`);
  return table;
}

function expectColumn(scope: ReadonlyMap<string, CatalogueTable>, name: string): void {
  const dot = name.indexOf('.');
  const table = scope.get(dot === -1 ? '' : name.slice(0, dot));
  expect(table === undefined ? undefined : columnOf(table, name.slice(dot + 1)), name).toBeDefined();
}

/** Columns that a value reads: every text but those of constants, codes, values and zones. */
export function namesIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(namesIn);
  const { column, of, first, concat, id } = value as Record<string, unknown>;
  return [column, of, first, concat, id].filter((part) => part !== undefined).flatMap(namesIn);
}
