import { isMap } from 'yaml';
import { constantOf } from '../mapping/constants.js';
import type { RecordColumn } from '../mapping/columns.js';
import type { Placed } from '../mapping/spec.js';
import { didYouMean } from '../errors/nearest.js';
import type { Entry, Written, YamlNodes } from './yaml-nodes.js';

/** Reads what a mapping gives itself instead of taking it from a table, checked against the column it is for. */
export class ConstantReader {
  readonly #nodes: YamlNodes;

  constructor(nodes: YamlNodes) {
    this.#nodes = nodes;
  }

  /** Null with a problem. `column` null: any text. */
  read(entry: Entry, name: string, column: RecordColumn | null): Placed<string | null> | null {
    const written = this.#nodes.written(entry.node, name, entry.at);
    return written === null ? null : this.#checked(written, name, column);
  }

  /** A scalar, or each of a list of them; a problem and nothing of null, or of an empty list. */
  texts(entry: Entry, name: string): readonly string[] | null {
    const items = this.#nodes.items(entry.node);
    if (items.length === 0) {
      this.#nodes.problem(`${entry.at} ${name}`, 'lists nothing; write one value at least.');
      return null;
    }
    const texts = items.map((item) => {
      const written = this.#nodes.written(item, name, entry.at);
      if (written?.text === null) {
        this.#nodes.problem(`${written.at} ${name}`, 'has null among its values, which equals nothing.');
      }
      return written?.text ?? null;
    });
    const whole = texts.filter((text) => text !== null);
    return whole.length === texts.length ? whole : null;
  }

  /** Null with a problem. */
  codes({ node, at }: Entry, name: string, column: RecordColumn | null): ReadonlyMap<string, string> | null {
    const map = this.#nodes.resolved(node);
    const entries = this.#nodes.entries(map, 'codes', at);
    if (!isMap(map) || entries === null) return null;
    const codes = new Map<string, string>();
    for (const entry of entries) {
      const result = this.read(entry, name, column);
      if (result?.value === null) {
        this.#nodes.problem(`${result.at} ${name}`, 'has null for a code; only else may be null.');
      } else if (result !== null) codes.set(entry.key, result.value);
    }
    if (map.items.length === 0) {
      this.#nodes.problem(`${at} ${name}`, 'has no codes; write each with what it stands for.');
    }
    return codes.size === map.items.length && codes.size > 0 ? codes : null;
  }

  #checked(written: Written, name: string, column: RecordColumn | null): Placed<string | null> | null {
    const { text, at, shown } = written;
    if (column === null) return { value: text, at };
    const constant = constantOf(text, column);
    if (constant.tag === 'constant') return { value: constant.text, at };
    const hint = text === null ? '' : didYouMean(text, constant.near);
    const is = text === null ? 'null' : shown;
    this.#nodes.problem(`${at} ${name}`, `is ${is}; it must be ${constant.accepts}.${hint}`);
    return null;
  }
}
