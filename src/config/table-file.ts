import type { JoinSpec, Placed } from '../mapping/spec.js';
import { columnName, tableName } from './database-names.js';
import { knownEntries } from './condition-file.js';
import type { ExpressionReader, Scope, Wanted } from './expression-file.js';
import { printable, quoted } from './quoted.js';
import type { Entry, Written, YamlNodes } from './yaml-nodes.js';

/** The joins that could be read, and what values may name of them. */
export interface Joins {
  readonly specs: readonly JoinSpec[];
  readonly scope: Scope;
}

const JOIN_KEYS = ['table', 'on'];

/** Reads what feeds and custom events have in common: a table, joins and conditions. */
export class TableReader {
  readonly #nodes: YamlNodes;
  readonly #expressions: ExpressionReader;

  constructor(nodes: YamlNodes, expressions: ExpressionReader) {
    this.#nodes = nodes;
    this.#expressions = expressions;
  }

  /** The entries of `keys`, with a problem for any other. `what` names the thing they are of. */
  known(entries: readonly Entry[], keys: readonly string[], what: string): ReadonlyMap<string, Entry> {
    return knownEntries(this.#nodes, entries, keys, what);
  }

  /** Null with a problem. `at` is where it is missing. */
  table(entry: Entry | undefined, at: string): Placed<string> | null {
    if (entry === undefined) {
      this.#nodes.problem(
        `${at} table`,
        'is missing; write the table’s name, with its schema unless that is public.',
      );
      return null;
    }
    return this.#name(this.#nodes.written(entry.node, 'table', entry.at), 'table', tableName);
  }

  joins(entry: Entry | undefined): Joins {
    const entries = entry === undefined ? [] : (this.#nodes.entries(entry.node, 'join', entry.at) ?? []);
    const names = entries.map(({ key }) => key);
    const specs = entries.map((join, index) => {
      const scope = { joins: names.slice(0, index), later: names.slice(index) };
      return this.#join(join, scope);
    });
    return { specs: specs.filter((spec) => spec !== null), scope: { joins: names, later: [] } };
  }

  /** A column of one table, where those of joins are not meant. Null with a problem. */
  plainColumn(written: Written | null, name: string): Placed<string> | null {
    return this.#name(written, name, (text, shown) =>
      text.includes('.')
        ? { says: `is ${shown}; it must be a column of the table itself.` }
        : columnName(text, shown),
    );
  }

  #name(written: Written | null, name: string, parse: typeof columnName): Placed<string> | null {
    if (written === null) return null;
    const { text, at, shown } = written;
    const parsed = text === null ? { says: 'is null; it must be a name.' } : parse(text, shown);
    if ('name' in parsed) return { value: parsed.name, at };
    this.#nodes.problem(`${at} ${name}`, parsed.says);
    return null;
  }

  #join(entry: Entry, scope: Scope): JoinSpec | null {
    const { key: name, at } = entry;
    const isName = name !== '' && !name.includes('.');
    if (!isName) {
      this.#nodes.problem(`${at} ${quoted(name)}`, 'is no name of a join; it must be a word without dots.');
    }
    const entries = this.#nodes.entries(entry.node, `join ${quoted(name)}`, at);
    if (entries === null) return null;
    const parts = this.known(entries, JOIN_KEYS, 'a join');
    const table = this.table(parts.get('table'), at);
    const on = this.#on(parts.get('on'), at, scope);
    return !isName || table === null || on === null ? null : { name, table, on };
  }

  #on(entry: Entry | undefined, at: string, scope: Scope): JoinSpec['on'] | null {
    const entries = entry === undefined ? [] : this.#nodes.entries(entry.node, 'on', entry.at);
    if (entries === null) return null;
    if (entries.length === 0) {
      this.#nodes.problem(
        `${entry?.at ?? at} on`,
        'is missing; write columns of the joined table with the values they equal.',
      );
      return null;
    }
    const pairs = entries.map((each) => {
      const column = this.plainColumn(keyOf(each), 'on');
      const wanted: Wanted = { name: printable(each.key), column: null, scope };
      const equals = this.#expressions.read(each, wanted);
      return column === null || equals === null ? null : { column, equals };
    });
    const whole = pairs.filter((pair) => pair !== null);
    return whole.length === pairs.length ? whole : null;
  }
}

function keyOf({ key, at }: Entry): Written {
  return { text: key, at, shown: quoted(key), bare: false };
}
