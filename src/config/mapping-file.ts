import { givenKey, recordColumns, recordKey, type RecordColumn } from '../mapping/columns.js';
import { RECORD_NAMES, RECORDS, type RecordName } from '../mapping/record-names.js';
import {
  REFERENCE_SPEC,
  type FeedSpec,
  type MappingSpec,
  type Placed,
  type RowSpec,
} from '../mapping/spec.js';
import { CustomEventsReader } from './custom-events-file.js';
import { mappingReaders, type MappingReaders } from './mapping-readers.js';
import { didYouMean } from '../errors/nearest.js';
import { quoted } from './quoted.js';
import type { Entry, YamlNodes } from './yaml-nodes.js';

/** Null: the file has no such key. */
export interface MappingSections {
  readonly mapping: Entry | null;
  readonly customEvents: Entry | null;
}

/** Reads `mapping` and `custom_events`. What is wrong is reported to `nodes`, and left out of what is returned. */
export function readMapping(nodes: YamlNodes, { mapping, customEvents }: MappingSections): MappingSpec {
  const readers = mappingReaders(nodes);
  const records = mapping === null ? REFERENCE_SPEC : new RecordsReader(readers).read(mapping);
  if (customEvents !== null) {
    return { ...records, customEvents: new CustomEventsReader(readers).read(customEvents, records) };
  }
  if (mapping !== null && mapsNothing(nodes, mapping)) {
    nodes.problem(`${mapping.at} mapping`, 'maps nothing; write one record at least, or custom_events.');
  }
  return records;
}

const ZONE = 'zone';
const FEED_KEYS = ['table', 'where', 'join', 'columns'];
const ROWS = 'rows';

class RecordsReader {
  readonly #readers: MappingReaders;
  readonly #feeds: FeedSpec[] = [];
  readonly #rows: RowSpec[] = [];
  #zone: string | null = null;

  constructor(readers: MappingReaders) {
    this.#readers = readers;
  }

  read({ node, at }: Entry): MappingSpec {
    const { nodes, modifiers } = this.#readers;
    for (const entry of nodes.entries(node, 'mapping', at) ?? []) {
      const record = RECORD_NAMES.find((name) => name === entry.key);
      if (entry.key === ZONE) this.#zone = modifiers.zone(entry, ZONE);
      else if (record !== undefined) this.#record(record, entry);
      else {
        nodes.problem(`${entry.at} ${quoted(entry.key)}`, `is not a record.${recordHint(entry.key)}`);
      }
    }
    return { ...REFERENCE_SPEC, zone: this.#zone, feeds: this.#feeds, rows: this.#rows };
  }

  #record(record: RecordName, { node, at }: Entry): void {
    const { nodes } = this.#readers;
    const items = nodes.items(node);
    if (items.length === 0) nodes.problem(`${at} ${record}`, 'lists nothing; write one table at least.');
    const rows: RowSpec[] = [];
    for (const item of items) {
      const place = nodes.at(item, at);
      const entries = nodes.entries(item, record, place);
      if (entries === null) continue;
      const parts = this.#readers.tables.known(entries, [...FEED_KEYS, ROWS], record);
      const given = parts.get(ROWS);
      if (given === undefined) this.#feed(record, parts, place);
      else this.#fixed(record, parts, given, rows);
    }
    this.#rows.push(...rows);
  }

  #feed(record: RecordName, parts: ReadonlyMap<string, Entry>, at: string): void {
    const { tables } = this.#readers;
    const table = tables.table(parts.get('table'), at);
    const { specs: joins, scope } = tables.joins(parts.get('join'));
    const where = this.#readers.expressions.conditions.read(parts.get('where'), scope);
    const columns = this.#columns(record, parts.get('columns'), at, (entry, column) =>
      this.#readers.expressions.read(entry, { name: column.name, column, scope }),
    );
    if (table !== null) this.#feeds.push({ record: RECORDS[record], table, where, joins, columns });
  }

  #fixed(record: RecordName, parts: ReadonlyMap<string, Entry>, given: Entry, rows: RowSpec[]): void {
    const { nodes, constants } = this.#readers;
    for (const key of FEED_KEYS) {
      const stray = parts.get(key);
      if (stray === undefined) continue;
      nodes.problem(
        `${stray.at} ${key}`,
        `stands beside rows; write a list of both, each as an entry of ${record}.`,
      );
    }
    const list = nodes.resolved(given.node);
    if (!nodes.isList(list) || nodes.items(list).length === 0) {
      nodes.problem(`${given.at} ${ROWS}`, 'must be a list of rows, each with columns and their values.');
      return;
    }
    for (const item of nodes.items(list)) {
      const at = nodes.at(item, given.at);
      const columns = this.#columns(record, { key: 'a row', node: item, at }, at, (entry, column) =>
        constants.read(entry, column.name, column),
      );
      const row = { record: RECORDS[record], at, columns };
      const twin = rows.find((other) => isSameRow(other, row));
      if (twin !== undefined) {
        const key = recordKey(row.record).join(', ');
        nodes.problem(`${at} ${record}`, `is the same as the row at ${twin.at}; each needs its own ${key}.`);
      }
      rows.push(row);
    }
  }

  #columns<T>(
    record: RecordName,
    entry: Entry | undefined,
    at: string,
    read: (entry: Entry, column: RecordColumn) => Placed<T> | null,
  ): ReadonlyMap<string, Placed<T>> {
    const { nodes } = this.#readers;
    const known = recordColumns(RECORDS[record]);
    const columns = new Map<string, Placed<T>>();
    const given = new Set<string>();
    if (entry === undefined) {
      nodes.problem(`${at} columns`, `is missing; write the columns of ${record} with their values.`);
      return columns;
    }
    const entries = nodes.entries(entry.node, entry.key, entry.at);
    for (const each of entries ?? []) {
      const column = known.get(each.key);
      given.add(each.key);
      if (column === undefined) {
        const names = [...known.keys()];
        const hint = `${didYouMean(each.key, names)} Columns: ${names.join(', ')}.`;
        nodes.problem(`${each.at} ${quoted(each.key)}`, `is no column of ${record}.${hint}`);
        continue;
      }
      const value = read(each, column);
      if (value !== null) columns.set(column.name, value);
    }
    const missing = givenKey(RECORDS[record]).filter((name) => !given.has(name));
    if (entries !== null && missing.length > 0) {
      const is = missing.length === 1 ? 'is' : 'are';
      nodes.problem(
        `${entry.at} ${missing.join(', ')}`,
        `${is} missing; one ${record} is told from another by that.`,
      );
    }
    return columns;
  }
}

/** Of what is no mapping at all that was said. */
function mapsNothing(nodes: YamlNodes, { node, at }: Entry): boolean {
  const entries = nodes.entries(node, 'mapping', at);
  return entries !== null && entries.every(({ key }) => key === ZONE);
}

function isSameRow(a: RowSpec, b: RowSpec): boolean {
  const key = recordKey(a.record);
  const isWhole = key.every((name) => name === 'merchant_id' || a.columns.has(name));
  return isWhole && key.every((name) => a.columns.get(name)?.value === b.columns.get(name)?.value);
}

/** Names of the reference schema are not always those of records. */
function recordHint(key: string): string {
  const table = key.slice(key.lastIndexOf('.') + 1);
  const same = RECORD_NAMES.find((name) => RECORDS[name].endsWith(`.${table}`));
  if (same !== undefined) return ` Did you mean ${same}?`;
  return didYouMean(key, [...RECORD_NAMES, ZONE]) || ` Records: ${RECORD_NAMES.join(', ')}.`;
}
