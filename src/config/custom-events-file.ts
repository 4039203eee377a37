import { EVENT_NAMES } from '../events/event.js';
import { recordColumns, type RecordColumn } from '../mapping/columns.js';
import { RECORDS } from '../mapping/record-names.js';
import type { Expression } from '../mapping/expression.js';
import type { CustomEventSpec, MappingSpec, Placed } from '../mapping/spec.js';
import type { Scope } from './expression-file.js';
import type { MappingReaders } from './mapping-readers.js';
import { didYouMean } from '../errors/nearest.js';
import { printable, quoted } from './quoted.js';
import type { Entry } from './yaml-nodes.js';

export const CUSTOM_EVENT_KEYS = [
  'name',
  'table',
  'on',
  'where',
  'join',
  'changed',
  'becomes',
  'key',
  'merchant_id',
  'account_id',
  'user_id',
  'timestamp',
  'properties',
] as const;

const CHANGES = ['insert', 'update'] as const;
type Change = (typeof CHANGES)[number];

export const MAX_EVENT_NAME_CHARS = 100;

/** Values of an event that have a type. Their constants are as strict as those of the records. */
const ROLES = (() => {
  const columns = recordColumns(RECORDS.account);
  const time: RecordColumn = {
    name: 'timestamp',
    type: { kind: 'timestamptz' },
    need: 'required',
    values: null,
    isZone: false,
    isCurrency: false,
  };
  return {
    key: null,
    merchant_id: columns.get('merchant_id') ?? null,
    account_id: columns.get('account_id') ?? null,
    user_id: columns.get('user_id') ?? null,
    timestamp: time,
  } as const satisfies Readonly<Record<string, RecordColumn | null>>;
})();

const NO_JOINS: Scope = { joins: [], later: [] };

/** Reads `custom_events`. */
export class CustomEventsReader {
  readonly #readers: MappingReaders;
  /** Places of names, by their slugs: those are in message ids. */
  readonly #seen = new Map<string, string>();

  constructor(readers: MappingReaders) {
    this.#readers = readers;
  }

  /** `records` says whether an event may leave its merchant out. */
  read({ node, at }: Entry, records: MappingSpec): readonly CustomEventSpec[] {
    const { nodes } = this.#readers;
    if (!nodes.isList(node) || nodes.items(node).length === 0) {
      nodes.problem(`${at} custom_events`, 'must be a list with one entry for each event.');
      return [];
    }
    return nodes
      .items(node)
      .map((item) => {
        const place = nodes.at(item, at);
        const entries = nodes.entries(item, 'a custom event', place);
        return entries === null ? null : this.#event(entries, place, records);
      })
      .filter((event) => event !== null);
  }

  #event(entries: readonly Entry[], at: string, records: MappingSpec): CustomEventSpec | null {
    const { tables } = this.#readers;
    const parts = tables.known(entries, CUSTOM_EVENT_KEYS, 'a custom event');
    const name = this.#name(parts.get('name'), at);
    const table = tables.table(parts.get('table'), at);
    const on = this.#on(parts.get('on'));
    const { specs: joins, scope } = tables.joins(parts.get('join'));
    const where = this.#readers.expressions.conditions.read(parts.get('where'), scope);
    const changed = this.#changed(parts.get('changed'), on);
    const becomes = this.#readers.expressions.conditions.read(parts.get('becomes'), NO_JOINS);
    const role = (part: keyof typeof ROLES): Placed<Expression> | null => {
      const entry = parts.get(part);
      if (entry === undefined) return null;
      return this.#readers.expressions.read(entry, { name: part, column: ROLES[part], scope });
    };
    const values = {
      key: role('key'),
      merchantId: role('merchant_id'),
      accountId: role('account_id'),
      userId: role('user_id'),
      timestamp: role('timestamp'),
    };
    if (!parts.has('merchant_id')) this.#merchant(at, records);
    const properties = this.#properties(parts.get('properties'), scope);
    if (name === null || table === null) return null;
    return { name, table, on: on ?? new Set(), where, changed, becomes, joins, ...values, properties };
  }

  #name(entry: Entry | undefined, at: string): Placed<string> | null {
    const { nodes } = this.#readers;
    if (entry === undefined) {
      nodes.problem(`${at} name`, 'is missing; Segment calls the event by it.');
      return null;
    }
    const written = nodes.written(entry.node, 'name', entry.at);
    if (written === null) return null;
    const { text, shown } = written;
    const wrong = text === null ? 'is null; write the name of the event.' : wrongName(text, shown);
    if (text === null || wrong !== null) {
      nodes.problem(`${written.at} name`, wrong ?? '');
      return null;
    }
    const before = this.#seen.get(slugOf(text));
    if (before !== undefined) {
      nodes.problem(
        `${written.at} name`,
        `is ${shown}, as that of the event at ${before}; each needs a name of its own.`,
      );
    }
    this.#seen.set(slugOf(text), written.at);
    return { value: text, at: written.at };
  }

  #on(entry: Entry | undefined): ReadonlySet<Change> | null {
    if (entry === undefined) return new Set(['insert']);
    const { nodes, constants } = this.#readers;
    const texts = constants.texts(entry, 'on');
    if (texts === null) return null;
    const on = texts.map((text) => {
      const change = CHANGES.find((each) => each === text);
      if (change === undefined) {
        const hint = didYouMean(text, CHANGES);
        nodes.problem(
          `${entry.at} on`,
          `has ${quoted(text)}; it must be insert, update or both as a list.${hint}`,
        );
      }
      return change;
    });
    return new Set(on.filter((change) => change !== undefined));
  }

  #changed(entry: Entry | undefined, on: ReadonlySet<Change> | null): readonly Placed<string>[] {
    if (entry === undefined) return [];
    const { nodes, tables } = this.#readers;
    if (on !== null && on.size > 0 && !on.has('update')) {
      nodes.problem(`${entry.at} changed`, 'is asked of an insert, which changes nothing; write on: update.');
    }
    const items = nodes.items(entry.node);
    if (items.length === 0) nodes.problem(`${entry.at} changed`, 'lists nothing; write one column at least.');
    return items
      .map((item) => tables.plainColumn(nodes.written(item, 'changed', entry.at), 'changed'))
      .filter((column) => column !== null);
  }

  #merchant(at: string, { feeds, rows }: MappingSpec): void {
    const count = rows.filter(({ record }) => record === RECORDS.merchant).length;
    if (feeds !== null && count <= 1) return;
    const why =
      feeds === null ? 'the reference schema has many merchants' : `the mapping has ${count} merchants`;
    this.#readers.nodes.problem(`${at} merchant_id`, `is missing, and ${why}; write whose event it is.`);
  }

  #properties(entry: Entry | undefined, scope: Scope): ReadonlyMap<string, Placed<Expression>> {
    const properties = new Map<string, Placed<Expression>>();
    if (entry === undefined) return properties;
    const { nodes, expressions } = this.#readers;
    for (const each of nodes.entries(entry.node, 'properties', entry.at) ?? []) {
      if (each.key.trim() === '') nodes.problem(`${each.at} properties`, 'has a property without a name.');
      const value = expressions.read(each, { name: printable(each.key), column: null, scope });
      if (value !== null) properties.set(each.key, value);
    }
    return properties;
  }
}

/** Completes `name `; null: nothing is wrong. */
function wrongName(text: string, shown: string): string | null {
  if (text.trim() === '') return 'is empty; Segment calls the event by it.';
  if (text !== text.trim()) return `is ${shown}; it must not begin or end with blanks.`;
  if (text.length > MAX_EVENT_NAME_CHARS) {
    return `is ${shown}; it must have ${MAX_EVENT_NAME_CHARS} characters at most.`;
  }
  if (/[\p{Cc}\p{Cf}]/u.test(text)) return `is ${shown}; it must be a text without invisible characters.`;
  const catalogued = EVENT_NAMES.find((name) => slugOf(name) === slugOf(text));
  if (catalogued !== undefined)
    return `is ${shown}, one of the nine events that are there anyway; use another.`;
  if (slugOf(text) === 'identify')
    return `is ${shown}, which is what Segment’s identify calls are counted as; use another.`;
  return null;
}

/** Names that differ in nothing but letters' case and punctuation are one. */
function slugOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '_');
}
