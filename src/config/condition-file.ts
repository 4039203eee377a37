import { isMap } from 'yaml';
import { COMPARISONS, type Comparison, type Condition, type Expression } from '../mapping/expression.js';
import type { Placed } from '../mapping/spec.js';
import type { ConstantReader } from './constant-file.js';
import type { Scope, Wanted } from './expression-file.js';
import { didYouMean } from '../errors/nearest.js';
import { printable, quoted } from './quoted.js';
import type { Entry, Written, YamlNodes } from './yaml-nodes.js';

const NUMBER = /^-?\d{1,100}(?:\.\d{1,100})?$/;
const CONDITION_KEYS = ['not', 'set', ...COMPARISONS];

/** Reads conditions: columns with what they must be. */
export class ConditionReader {
  readonly #nodes: YamlNodes;
  readonly #constants: ConstantReader;
  readonly #column: (written: Written, wanted: Wanted) => Expression | null;

  constructor(
    nodes: YamlNodes,
    constants: ConstantReader,
    column: (written: Written, wanted: Wanted) => Expression | null,
  ) {
    this.#nodes = nodes;
    this.#constants = constants;
    this.#column = column;
  }

  /** Those that could be read; a problem for each other. */
  read(entry: Entry | undefined, scope: Scope): readonly Placed<Condition>[] {
    if (entry === undefined) return [];
    const entries = this.#nodes.entries(entry.node, entry.key, entry.at) ?? [];
    return entries.flatMap((each) => this.#conditions(each, scope));
  }

  #conditions(entry: Entry, scope: Scope): readonly Placed<Condition>[] {
    const name = printable(entry.key);
    const of = this.#column(keyOf(entry), { name, column: null, scope });
    const conditions = this.#holds(entry, name, of).filter((each) => each !== null);
    return conditions.map((value) => ({ value, at: entry.at }));
  }

  #holds(entry: Entry, name: string, of: Expression | null): readonly (Condition | null)[] {
    const node = this.#nodes.resolved(entry.node);
    if (!isMap(node)) return [this.#compared('equals', entry, name, of)];
    const parts = this.#nodes.entries(node, 'a condition', entry.at) ?? [];
    const known = [...knownEntries(this.#nodes, parts, CONDITION_KEYS, 'a condition').values()];
    const compared = known.flatMap((part) => {
      const as = COMPARISONS.find((each) => each === part.key);
      return as === undefined ? [] : [{ as, part }];
    });
    // From here to there: of comparisons there may be several.
    if (compared.length > 0 && compared.length === known.length) {
      return compared.map(({ as, part }) => this.#comparison(as, part, name, of));
    }
    const [part, ...others] = known;
    if (part !== undefined && others.length === 0) {
      return [part.key === 'not' ? this.#compared('differs', part, name, of) : this.#set(part, name, of)];
    }
    if (parts.length !== 1) {
      const says = 'must be a value, a list of values, null, { not: … }, { set: … } or { above: … }.';
      this.#nodes.problem(`${this.#nodes.at(node, entry.at)} ${name}`, says);
    }
    return [];
  }

  #comparison(as: Comparison, entry: Entry, name: string, of: Expression | null): Condition | null {
    const written = this.#nodes.written(entry.node, name, entry.at);
    if (written === null) return null;
    const { text: than } = written;
    if (than !== null && NUMBER.test(than)) return of === null ? null : { kind: 'compares', of, as, than };
    const is = written.text === null ? 'null' : written.shown;
    this.#nodes.problem(`${written.at} ${name}`, `has ${as} ${is}; it must be a number.`);
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

/** The entries of `keys`, with a problem for any other. `what` names the thing they are of. */
export function knownEntries(
  nodes: YamlNodes,
  entries: readonly Entry[],
  keys: readonly string[],
  what: string,
): ReadonlyMap<string, Entry> {
  const found = new Map<string, Entry>();
  for (const entry of entries) {
    if (keys.includes(entry.key)) found.set(entry.key, entry);
    else {
      const hint = didYouMean(entry.key, keys) || ` Keys: ${keys.join(', ')}.`;
      nodes.problem(`${entry.at} ${quoted(entry.key)}`, `is no key of ${what}.${hint}`);
    }
  }
  return found;
}

function keyOf({ key, at }: Entry): Written {
  return { text: key, at, shown: quoted(key), bare: false };
}
