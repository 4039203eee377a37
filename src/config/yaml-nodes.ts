import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  Parser,
  type Document,
  type Node,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { contentsOf, type Environment, type Problem } from './environment.js';
import type { OptionSpec } from './option.js';
import { quoted } from './quoted.js';
import { deeperThan } from './yaml-depth.js';
import { yamlErrors } from './yaml-errors.js';

export interface ReadSettingsOptions {
  /** Shown before line and column. */
  readonly path: string;
  readonly env: Environment;
  readonly readFile: (path: string) => string;
}

/** Something of the file: what it is called in a problem, and where it stands. */
export interface Entry {
  /** The key as it is written, of which the node is the value. */
  readonly key: string;
  readonly node: Node | null;
  /** Of the key, e.g. `connector.yaml:12:5`. */
  readonly at: string;
}

/** A scalar of the mapping. */
export interface Written {
  /** As it is written, with `${NAME}` filled in: 0123 stays 0123. Null is YAML's null. */
  readonly text: string | null;
  readonly at: string;
  /** In quotes and as the file has it, as what the environment holds is not to be shown. */
  readonly shown: string;
  /** A number, or true or false, without quotes. */
  readonly bare: boolean;
}

/** Brackets within brackets; what is deeper is no settings. */
const MAX_DEPTH = 50;
/** What a file of 1 MiB can hold without aliases, each of which may stand for half of it. */
const MAX_STEPS = 600_000;
const STEPS_OF_ALIAS = 300;

/** Walks the nodes of a YAML file and collects what is wrong, each with line and column. */
export class YamlNodes {
  readonly problems: Problem[] = [];
  readonly #options: ReadSettingsOptions;
  readonly #lines = new LineCounter();
  readonly #document: Document;
  readonly #told = new Set<string>();
  #stepsLeft = MAX_STEPS;

  constructor(text: string, options: ReadSettingsOptions) {
    this.#options = options;
    const tooDeep = deeperThan(new Parser(this.#lines.addNewLine).parse(text), MAX_DEPTH);
    // The parser's own sentences quote the text around the place, which may be a secret.
    this.#document = parseDocument(tooDeep === null ? text : '', { prettyErrors: false, uniqueKeys: isSame });
    if (tooDeep !== null) this.problem(this.#place(tooDeep), 'is nested too deeply.');
    for (const { offset, says } of yamlErrors(this.#document.errors, text)) {
      this.problem(this.#place(offset), says);
    }
  }

  get root(): Node | null {
    return this.#document.contents;
  }

  /** Once the walk was cut short, what would be said is not of the file. */
  problem(variable: string, says: string): void {
    const line = `${variable} ${says}`;
    if (this.#stepsLeft < 0 || this.#told.has(line)) return;
    this.#told.add(line);
    this.problems.push({ variable, says });
  }

  at(node: Node | null, otherwise: string): string {
    const offset = node?.range?.[0];
    return offset === undefined ? otherwise : this.#place(offset);
  }

  resolved(node: Node | null): Node | null {
    const alias = isAlias(node);
    this.#stepsLeft -= alias ? STEPS_OF_ALIAS : 1;
    if (this.#stepsLeft < 0) {
      if (!this.#told.has('')) {
        this.#told.add('');
        this.problems.push({ variable: this.#options.path, says: 'has too many aliases (*name).' });
      }
      return null;
    }
    return alias ? (node.resolve(this.#document) ?? null) : node;
  }

  /** Keys with their values; null with a problem of anything else. `what` begins its sentence. */
  entries(node: Node | null, what: string, otherwise = this.#options.path): Entry[] | null {
    const map = this.resolved(node);
    if (!isMap(map)) {
      this.problem(this.at(map, otherwise), `${what} must be keys with their values.`);
      return null;
    }
    return map.items.flatMap((pair) => {
      const key = this.resolved(pair.key as Node | null);
      const at = this.at(pair.key as Node | null, otherwise);
      if (isScalar(key) && key.value !== null) {
        return [{ key: sourceOf(key), node: pair.value as Node | null, at }];
      }
      const is = isScalar(key) ? 'null; in quotes it is a text' : 'no text';
      this.problem(at, `${what} has a key that is ${is}.`);
      return [];
    });
  }

  isList(node: Node | null): boolean {
    return isSeq(this.resolved(node));
  }

  /** The nodes of a list, or what stands in place of a list of one. */
  items(node: Node | null): (Node | null)[] {
    const list = this.resolved(node);
    return isSeq(list) ? (list.items as (Node | null)[]) : [list];
  }

  /** A scalar of the mapping; null with a problem. `name` is what it is the value of. */
  written(node: Node | null, name: string, otherwise: string): Written | null {
    const scalar = this.resolved(node);
    const at = this.at(scalar, otherwise);
    if (scalar !== null && !isScalar(scalar)) {
      this.problem(`${at} ${name}`, 'must be a single value.');
      return null;
    }
    if (scalar === null || (scalar.value === null && scalar.source === '')) {
      this.problem(`${at} ${name}`, 'has no value; write one, or null.');
      return null;
    }
    const shown = quoted(sourceOf(scalar));
    if (scalar.value === null) return { text: null, at, shown, bare: false };
    const text = this.#filled(sourceOf(scalar), `${at} ${name}`);
    if (text === null) return null;
    if (text.includes('\0') || Buffer.from(text).toString() !== text) {
      this.problem(`${at} ${name}`, `is ${shown}, which is no text that PostgreSQL can hold.`);
      return null;
    }
    return { text, at, shown, bare: typeof scalar.value !== 'string' };
  }

  /** A scalar, or a list of scalars, as the text that a variable would have; null with a problem. */
  text(value: Node | null, at: string, spec?: OptionSpec): string | null {
    const node = this.resolved(value);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.#scalar(item as Node));
      if (items.length > 0 && items.every((item) => item !== null)) return items.join(', ');
    }
    const text = spec?.pairs === true && isMap(node) ? this.#pairs(node) : this.#scalar(node);
    if (text === null || text.trim() === '') {
      this.problem(at, 'has no value; write one, or leave the line out.');
      return null;
    }
    return this.#referred(text.trim(), at, spec);
  }

  #pairs(map: YAMLMap): string | null {
    const pairs = map.items.map(({ key, value }) => [
      this.#scalar(key as Node | null),
      this.#scalar(value as Node | null),
    ]);
    if (pairs.some((pair) => pair.includes(null))) return null;
    return pairs.map((pair) => pair.join('=')).join(', ');
  }

  #scalar(node: Node | null): string | null {
    const scalar = this.resolved(node);
    return isScalar(scalar) && scalar.value !== null ? sourceOf(scalar) : null;
  }

  #referred(text: string, at: string, spec?: OptionSpec): string | null {
    const filled = this.#filled(text, at);
    if (filled === null || !filled.startsWith('file:')) return filled;
    const path = filled.slice('file:'.length);
    // Such an option is the path of a file by itself.
    if (spec?.file === 'only' || spec?.file === 'path') return path;
    const { readFile } = this.#options;
    return contentsOf({ variable: at, path, secret: spec?.secret ?? false }, readFile, this.problems) ?? null;
  }

  #filled(text: string, at: string): string | null {
    let whole = true;
    const filled = text.replaceAll(/\$\{([A-Za-z_]\w*)\}/g, (_match, variable: string) => {
      const value = this.#options.env[variable]?.trim();
      if (value !== undefined && value !== '') return value;
      this.problem(at, `names \${${variable}}, which the environment does not set.`);
      whole = false;
      return '';
    });
    return whole ? filled : null;
  }

  #place(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#options.path}:${line}:${col}`;
  }
}

/** As written: 0123, 1.50 and 9007199254740993 are no numbers of JavaScript's. */
function sourceOf(scalar: Scalar): string {
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? '');
}

/** Keys are texts: 1 and '1' are one key, 1 and 01 are two. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || (isScalar(a) && isScalar(b) && sourceOf(a) === sourceOf(b));
}
