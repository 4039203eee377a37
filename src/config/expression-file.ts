import { isMap, isScalar, type Node, type YAMLMap } from 'yaml';
import type { RecordColumn } from '../mapping/columns.js';
import type { Expression } from '../mapping/expression.js';
import type { Placed } from '../mapping/spec.js';
import { ConditionReader } from './condition-file.js';
import type { ConstantReader } from './constant-file.js';
import { columnName } from './database-names.js';
import { isForm, MODIFIERS, type ModifierReader } from './modifier-file.js';
import { didYouMean } from '../errors/nearest.js';
import { printable, quoted } from './quoted.js';
import type { Entry, Written, YamlNodes } from './yaml-nodes.js';

/** The joins of the table that a value is taken from. */
export interface Scope {
  readonly joins: readonly string[];
  /** Written after the place of the value, which therefore cannot name them. */
  readonly later: readonly string[];
}

/** What a value is for. */
export interface Wanted {
  /** Begins what is said of it. */
  readonly name: string;
  /** Null: anything will do. */
  readonly column: RecordColumn | null;
  readonly scope: Scope;
}

/** Where a value comes from: exactly one of these. */
export const SOURCES = ['column', 'value', 'concat', 'id', 'first', 'of', 'commit_time'] as const;
type Source = (typeof SOURCES)[number];
const PARTS: readonly string[] = [...SOURCES, ...MODIFIERS, 'separator', 'else', 'when'];

/** A hint is one line. */
const MAX_LISTED = 8;

/** Deeper ones are an alias within itself. */
const MAX_NESTING = 20;

/** Reads values: the name of a column, or keys that say how it is made. */
export class ExpressionReader {
  readonly #nodes: YamlNodes;
  readonly #constants: ConstantReader;
  readonly #modifiers: ModifierReader;
  readonly conditions: ConditionReader;

  constructor(nodes: YamlNodes, constants: ConstantReader, modifiers: ModifierReader) {
    this.#nodes = nodes;
    this.#constants = constants;
    this.#modifiers = modifiers;
    this.conditions = new ConditionReader(nodes, constants, (written, wanted) =>
      this.column(written, wanted),
    );
  }

  /** Null with a problem. */
  read({ node, at }: Entry, wanted: Wanted): Placed<Expression> | null {
    const value = this.#value(node, at, wanted, 0);
    return value === null ? null : { value, at: this.#nodes.at(node, at) };
  }

  /** `column`, or `join.column`. */
  column({ text, at, shown }: Written, { name, scope }: Wanted): Expression | null {
    const parts = text?.split('.') ?? [];
    const [join = null, column = ''] = parts.length === 1 ? [null, parts[0]] : parts;
    const problem = (says: string): null => {
      this.#nodes.problem(`${at} ${name}`, says);
      return null;
    };
    if (text === null) return problem('is null; it must be a column, or join.column.');
    if (parts.length > 2) return problem(`is ${shown}; it must be a column, or join.column.`);
    if (join !== null && !scope.joins.includes(join)) {
      if (scope.later.includes(join))
        return problem(`names ${shown} of a join that is not written before it.`);
      const joins = scope.joins.slice(0, MAX_LISTED).map((each) => printable(each));
      const known = joins.length === 0 ? '' : ` Joins: ${joins.join(', ')}.`;
      return problem(`names ${shown}, which begins with no join’s name.${didYouMean(join, joins) || known}`);
    }
    const parsed = columnName(column, shown);
    if ('says' in parsed) return problem(parsed.says);
    return { kind: 'column', join, column: parsed.name, type: 'unknown' };
  }

  #value(node: Node | null, otherwise: string, wanted: Wanted, depth: number): Expression | null {
    const resolved = this.#nodes.resolved(node);
    const at = this.#nodes.at(resolved, otherwise);
    if (depth > MAX_NESTING) {
      this.#nodes.problem(`${at} ${wanted.name}`, 'is nested too deeply.');
      return null;
    }
    if (isMap(resolved)) return this.#made(resolved, at, wanted, depth);
    if (resolved === null || isScalar(resolved)) return this.#named(resolved, at, wanted);
    this.#nodes.problem(
      `${at} ${wanted.name}`,
      'is a list; write { id: […] }, { concat: […] } or { first: […] }.',
    );
    return null;
  }

  #named(node: Node | null, at: string, wanted: Wanted): Expression | null {
    const written = this.#nodes.written(node, wanted.name, at);
    if (written === null) return null;
    const { text, shown, bare } = written;
    if (text !== null && !bare) return this.column(written, wanted);
    const constant = text === null ? 'null' : shown.slice(1, -1);
    const otherwise = text === null ? '' : `, and the column of that name as ${shown}`;
    this.#nodes.problem(
      `${written.at} ${wanted.name}`,
      `is ${constant}, which is no column’s name; write the constant as { value: ${constant} }${otherwise}.`,
    );
    return null;
  }

  #made(map: YAMLMap, at: string, wanted: Wanted, depth: number): Expression | null {
    const forms = this.#forms(map, at, wanted.name);
    const sources = SOURCES.filter((source) => forms.has(source));
    const [source, second] = sources;
    if (source === undefined || second !== undefined) {
      const says =
        source === undefined
          ? `has no source; it must have one of ${SOURCES.join(', ')}.`
          : `has ${sources.join(' and ')}; it must have one of them.`;
      // The source is probably what was mistyped, and that was said.
      if (source !== undefined || forms.size === map.items.length) {
        this.#nodes.problem(`${at} ${wanted.name}`, says);
      }
      return null;
    }
    this.#strays(source, forms, wanted.name);
    const modifiers = MODIFIERS.filter((modifier) => forms.has(modifier));
    const inner = modifiers.length === 0 ? wanted : { ...wanted, column: null };
    let made = this.#source(source, forms, inner, depth);
    for (const [index, modifier] of modifiers.entries()) {
      const isLast = index === modifiers.length - 1;
      const column = isLast ? wanted.column : null;
      made = this.#modifiers.read({ modifier, forms, of: made, name: wanted.name, column });
    }
    return this.#when(forms.get('when'), made, wanted);
  }

  /** The value where its conditions hold, else null. */
  #when(entry: Entry | undefined, of: Expression | null, { scope, name }: Wanted): Expression | null {
    if (entry === undefined) return of;
    const holds = this.conditions.read(entry, scope).map(({ value }) => value);
    if (holds.length === 0) this.#nodes.problem(`${entry.at} ${name}`, 'has a `when` without a condition.');
    return of === null || holds.length === 0 ? null : { kind: 'when', holds, of };
  }

  #forms(map: YAMLMap, at: string, name: string): ReadonlyMap<string, Entry> {
    const forms = new Map<string, Entry>();
    for (const entry of this.#nodes.entries(map, 'a value', at) ?? []) {
      if (PARTS.includes(entry.key)) forms.set(entry.key, entry);
      else {
        const hint = didYouMean(entry.key, PARTS) || ` Parts: ${PARTS.join(', ')}.`;
        this.#nodes.problem(
          `${entry.at} ${name}`,
          `has ${quoted(entry.key)}, which is no part of a value.${hint}`,
        );
      }
    }
    return forms;
  }

  /** What is written beside a source and means nothing there. */
  #strays(source: Source, forms: ReadonlyMap<string, Entry>, name: string): void {
    const stray = (part: string, why: string): void => {
      const entry = forms.get(part);
      if (entry !== undefined) this.#nodes.problem(`${entry.at} ${name}`, `has ${part} ${why}.`);
    };
    if (source !== 'concat') stray('separator', 'without concat');
    if (!forms.has('codes')) stray('else', 'without codes');
    if (source !== 'value' && source !== 'id' && source !== 'commit_time') return;
    for (const modifier of MODIFIERS) stray(modifier, `beside ${source}, where it means nothing`);
  }

  #source(
    source: Source,
    forms: ReadonlyMap<string, Entry>,
    wanted: Wanted,
    depth: number,
  ): Expression | null {
    const entry = forms.get(source);
    if (entry === undefined) return null;
    const { name, column } = wanted;
    if (isForm(source)) this.#modifiers.suits(source, entry, name, column);
    const parts = (least: number, of: Wanted): Expression[] | null =>
      this.#parts(entry, least, depth + 1, () => of);
    const any = { ...wanted, column: null };
    switch (source) {
      case 'column': {
        const written = this.#nodes.written(entry.node, name, entry.at);
        return written === null ? null : this.column(written, wanted);
      }
      case 'value': {
        const constant = this.#constants.read(entry, name, column);
        return constant === null ? null : { kind: 'constant', text: constant.value };
      }
      case 'concat': {
        const separator = this.#separator(forms.get('separator'), name);
        const of = parts(1, any);
        return of === null || separator === null ? null : { kind: 'concat', parts: of, separator };
      }
      case 'id': {
        const of = parts(2, any);
        return of === null ? null : { kind: 'composite', parts: of };
      }
      case 'first': {
        const of = this.#parts(entry, 1, depth + 1, (isLast) => (isLast ? wanted : nullable(wanted)));
        return of === null ? null : { kind: 'first', of };
      }
      case 'of':
        return this.#value(entry.node, entry.at, wanted, depth + 1);
      case 'commit_time': {
        const written = this.#nodes.written(entry.node, name, entry.at);
        if (written === null) return null;
        if (written.text === 'true') return { kind: 'commit-time' };
        this.#nodes.problem(`${written.at} ${name}`, `is commit_time ${written.shown}; it must be true.`);
        return null;
      }
      default:
        return never(source);
    }
  }

  #parts(
    entry: Entry,
    least: number,
    depth: number,
    wantedOf: (isLast: boolean) => Wanted,
  ): Expression[] | null {
    const items = this.#nodes.items(entry.node);
    if (items.length < least) {
      const count = least === 1 ? 'one value' : 'two values';
      this.#nodes.problem(
        `${entry.at} ${wantedOf(true).name}`,
        `has too little in ${entry.key}; it must list ${count} at least.`,
      );
    }
    const parts = items.map((item, index) =>
      this.#value(item, entry.at, wantedOf(index === items.length - 1), depth),
    );
    const whole = parts.filter((part) => part !== null);
    return whole.length === items.length && items.length >= least ? whole : null;
  }

  #separator(entry: Entry | undefined, name: string): string | null {
    if (entry === undefined) return '';
    const written = this.#nodes.written(entry.node, name, entry.at);
    if (written?.text === null) {
      this.#nodes.problem(`${written.at} ${name}`, 'has null as separator; leave it out for none.');
    }
    return written?.text ?? null;
  }
}

/** Of the parts of `first` only the last one's null is the whole's. */
function nullable(wanted: Wanted): Wanted {
  return wanted.column === null ? wanted : { ...wanted, column: { ...wanted.column, need: 'nullable' } };
}

function never(source: never): never {
  throw new Error(`no such source of a value: ${String(source)}`);
}
