import { isMap } from 'yaml';
import type { Condition, Expression } from '../mapping/expression.js';
import type { JoinSpec, Placed } from '../mapping/spec.js';
import type { ConstantReader } from './constant-file.js';
import { columnName, tableName } from './database-names.js';
import type { ExpressionReader, Scope, Wanted } from './expression-file.js';
import { didYouMean } from './nearest.js';
import { printable, quoted } from './quoted.js';
import type { Entry, Written, YamlNodes } from './yaml-nodes.js';

/** The joins that could be read, and what values may name of them. */
export interface Joins {
  readonly specs: readonly JoinSpec[];
  readonly scope: Scope;
}

const JOIN_KEYS = ['table', 'on'];
const CONDITION_KEYS = ['not', 'set'];

/** Reads what feeds and custom events have in common: a table, joins and conditions. */
export class TableReader {
  readonly #nodes: YamlNodes;
  readonly #constants: ConstantReader;
  readonly #expressions: ExpressionReader;

  constructor(nodes: YamlNodes, constants: ConstantReader, expressions: ExpressionReader) {
    this.#nodes = nodes;
    this.#constants = constants;
    this.#expressions = expressions;
  }

  /** The entries of `keys`, with a problem for any other. `what` names the thing they are of. */
  known(entries: readonly Entry[], keys: readonly string[], what: string): ReadonlyMap<string, Entry> {
    const found = new Map<string, Entry>();
    for (const entry of entries) {
      if (keys.includes(entry.key)) found.set(entry.key, entry);
      else {
        const hint = didYouMean(entry.key, keys) || ` Keys: ${keys.join(', ')}.`;
        this.#nodes.problem(`${entry.at} ${quoted(entry.key)}`, `is no key of ${what}.${hint}`);
      }
    }
    return found;
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

  /** `where` and `becomes`: columns with what they must be. */
  conditions(entry: Entry | undefined, scope: Scope): readonly Placed<Condition>[] {
    if (entry === undefined) return [];
    const entries = this.#nodes.entries(entry.node, entry.key, entry.at) ?? [];
    return entries.map((each) => this.#condition(each, scope)).filter((each) => each !== null);
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

  #condition(entry: Entry, scope: Scope): Placed<Condition> | null {
    const name = printable(entry.key);
    const of = this.#expressions.column(keyOf(entry), { name, column: null, scope });
    const condition = this.#holds(entry, name, of);
    return condition === null ? null : { value: condition, at: entry.at };
  }

  #holds(entry: Entry, name: string, of: Expression | null): Condition | null {
    const node = this.#nodes.resolved(entry.node);
    if (!isMap(node)) return this.#compared('equals', entry, name, of);
    const parts = this.#nodes.entries(node, 'a condition', entry.at) ?? [];
    const [part, ...others] = this.known(parts, CONDITION_KEYS, 'a condition').values();
    if (part !== undefined && others.length === 0) {
      return part.key === 'not' ? this.#compared('differs', part, name, of) : this.#set(part, name, of);
    }
    if (parts.length !== 1) {
      const says = 'must be a value, a list of values, null, { not: … } or { set: … }.';
      this.#nodes.problem(`${this.#nodes.at(node, entry.at)} ${name}`, says);
    }
    return null;
  }

  #compared(kind: 'equals' | 'differs', entry: Entry, name: string, of: Expression | null): Condition | null {
    if (this.#nodes.isList(entry.node)) {
      const texts = this.#constants.texts(entry, name);
      return texts === null || of === null ? null : { kind, of, values: new Set(texts) };
    }
    const written = this.#nodes.written(entry.node, name, entry.at);
    if (written === null || of === null) return null;
    if (written.text === null) return { kind: 'null', of, isNull: kind === 'equals' };
    return { kind, of, values: new Set([written.text]) };
  }

  #set(entry: Entry, name: string, of: Expression | null): Condition | null {
    const written = this.#nodes.written(entry.node, name, entry.at);
    if (written === null) return null;
    if (written.text === 'true' || written.text === 'false') {
      return of === null ? null : { kind: 'null', of, isNull: written.text === 'false' };
    }
    this.#nodes.problem(`${written.at} ${name}`, `has set ${written.shown}; it must be true or false.`);
    return null;
  }
}

function keyOf({ key, at }: Entry): Written {
  return { text: key, at, shown: quoted(key), bare: false };
}
