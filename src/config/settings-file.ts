import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type YAMLMap,
} from 'yaml';
import { contentsOf, type Environment, type Problem } from './environment.js';
import { didYouMean } from './nearest.js';
import { OPTION_NAMES, OPTIONS, SOURCE_OPTION_NAMES, type OptionName } from './options.js';
import type { OptionSpec } from './option.js';
import { quoted } from './quoted.js';

/** A value of the file as an option's text, and where it stands. */
export interface Given {
  /** Null: it could not be read, which was reported. */
  readonly text: string | null;
  /** `connector.yaml:12:5`. */
  readonly at: string;
}

export type GivenOptions = ReadonlyMap<OptionName, Given>;

/** One entry of `sources`. */
export interface GivenSource {
  /** Null: missing or no name; a problem was reported. */
  readonly name: string | null;
  readonly at: string;
  readonly options: GivenOptions;
}

export interface SettingsFile {
  readonly options: GivenOptions;
  /** Null: the file lists none. */
  readonly sources: readonly GivenSource[] | null;
  readonly problems: readonly Problem[];
  /** It is no YAML at all: nothing of it is known. */
  readonly broken: boolean;
}

export interface ReadSettingsOptions {
  /** Shown before line and column. */
  readonly path: string;
  readonly env: Environment;
  readonly readFile: (path: string) => string;
}

/** The key of an option at the top of the file. */
export function keyOf(name: OptionName): string {
  return name.toLowerCase();
}

/** The key of an option within a source, where everything is Segment's. */
export function sourceKeyOf(name: OptionName): string {
  return keyOf(name).replace(/^segment_/, '');
}

export const SOURCE_NAME = /^[a-z0-9][a-z0-9_-]{0,39}$/;
const SOURCES = 'sources';

/**
 * Reads `connector.yaml`: options by their names in small letters, and the sources. Values may hold `${NAME}` of the
 * environment, or be `file:/path` of a file that holds them. Everything wrong is collected, with line and column and without
 * a value that might be a secret.
 */
export function readSettingsFile(text: string, options: ReadSettingsOptions): SettingsFile {
  return new Reading(text, options).read();
}

class Reading {
  readonly #options: ReadSettingsOptions;
  readonly #lines = new LineCounter();
  readonly #document: Document;
  readonly #problems: Problem[] = [];

  constructor(text: string, options: ReadSettingsOptions) {
    this.#options = options;
    // The parser's own sentences quote the text around the place, which may be a secret.
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
  }

  read(): SettingsFile {
    for (const { code, pos } of this.#document.errors) {
      this.#problem(this.#place(pos[0]), `is not YAML (${code.toLowerCase().replaceAll('_', ' ')}).`);
    }
    const problems = this.#problems;
    if (problems.length > 0) return { options: new Map(), sources: null, problems, broken: true };
    const root = this.#document.contents;
    if (root === null) return { options: new Map(), sources: null, problems, broken: false };
    const options = new Map<OptionName, Given>();
    let sources: readonly GivenSource[] | null = null;
    const known = new Map(OPTION_NAMES.filter(isOfFile).map((name) => [keyOf(name), name]));
    for (const [key, value, at] of this.#entries(root, 'the file')) {
      if (key === SOURCES) {
        sources = this.#sources(value, at);
        continue;
      }
      const name = this.#known(key, at, known, [SOURCES], 'a setting');
      if (name !== null) this.#take(options, name, key, value, at);
    }
    return { options, sources, problems, broken: false };
  }

  #sources(value: Node | null, at: string): readonly GivenSource[] {
    const list = this.#resolved(value);
    if (!isSeq(list) || list.items.length === 0) {
      this.#problem(`${at} ${SOURCES}`, 'must be a list with one entry for each source.');
      return [];
    }
    const seen = new Map<string, string>();
    return list.items.map((item) => {
      const source = this.#source(item as Node, this.#at(item as Node, at));
      const before = source.name === null ? undefined : seen.get(source.name);
      if (before !== undefined) {
        this.#problem(
          `${source.at} name`,
          `is ${quoted(source.name ?? '')}, as that of the source at ${before}; each needs a name of its own.`,
        );
      }
      if (source.name !== null) seen.set(source.name, source.at);
      return source;
    });
  }

  #source(node: Node, at: string): GivenSource {
    const options = new Map<OptionName, Given>();
    const known = new Map(SOURCE_OPTION_NAMES.map((name) => [sourceKeyOf(name), name]));
    let name: string | null = null;
    let named = false;
    for (const [key, value, place] of this.#entries(node, 'a source')) {
      if (key === 'name') {
        named = true;
        name = this.#name(value, place);
        continue;
      }
      const option = this.#known(key, place, known, ['name'], 'a setting of a source');
      if (option !== null) this.#take(options, option, key, value, place);
    }
    if (!named)
      this.#problem(`${at} name`, 'is missing; queues, metrics and commands call the source by it.');
    return { name, at, options };
  }

  #name(value: Node | null, at: string): string | null {
    const text = this.#text(value, `${at} name`);
    if (text === null) return null;
    if (SOURCE_NAME.test(text)) return text;
    this.#problem(`${at} name`, `is ${quoted(text)}; it must be 1 to 40 of a–z, 0–9, _ and -.`);
    return null;
  }

  #take(into: Map<OptionName, Given>, name: OptionName, key: string, value: Node | null, at: string): void {
    into.set(name, { text: this.#text(value, `${at} ${key}`, OPTIONS[name]), at });
  }

  #known(
    key: string,
    at: string,
    known: ReadonlyMap<string, OptionName>,
    others: readonly string[],
    what: string,
  ): OptionName | null {
    const name = known.get(key);
    if (name !== undefined) return name;
    const hint = elsewhere(key, known) ?? didYouMean(key, [...known.keys(), ...others]);
    this.#problem(`${at} ${quoted(key)}`, `is not ${what}.${hint}`);
    return null;
  }

  /** Keys, values and places of a mapping; a problem and nothing of anything else. */
  #entries(node: Node, what: string): [key: string, value: Node | null, at: string][] {
    const map = this.#resolved(node);
    if (!isMap(map)) {
      this.#problem(this.#at(node, this.#options.path), `${what} must be keys with their values.`);
      return [];
    }
    return map.items.map(({ key, value }) => {
      const text = isScalar(key) ? String(key.value) : '';
      return [text, value as Node | null, this.#at(key as Node, this.#options.path)];
    });
  }

  /** A scalar, or a list of scalars, as the text that a variable would have; null with a problem. */
  #text(value: Node | null, at: string, spec?: OptionSpec): string | null {
    const node = this.#resolved(value);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.#scalar(item as Node));
      if (items.length > 0 && items.every((item) => item !== null)) return items.join(', ');
    }
    const text = spec?.pairs === true && isMap(node) ? this.#pairs(node) : this.#scalar(node);
    if (text === null || text.trim() === '') {
      this.#problem(at, 'has no value; write one, or leave the line out.');
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
    const scalar = this.#resolved(node);
    if (!isScalar(scalar) || scalar.value === null) return null;
    // As written: 0123 and 9007199254740993 are no numbers of JavaScript's.
    return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? null);
  }

  #referred(text: string, at: string, spec?: OptionSpec): string | null {
    let whole = true;
    const filled = text.replaceAll(/\$\{([A-Za-z_]\w*)\}/g, (_match, variable: string) => {
      const value = this.#options.env[variable]?.trim();
      if (value !== undefined && value !== '') return value;
      this.#problem(at, `names \${${variable}}, which the environment does not set.`);
      whole = false;
      return '';
    });
    if (!whole) return null;
    if (!filled.startsWith('file:')) return filled;
    const path = filled.slice('file:'.length);
    // Such an option is the path of a file by itself.
    if (spec?.file === 'only') return path;
    const { readFile } = this.#options;
    return (
      contentsOf({ variable: at, path, secret: spec?.secret ?? false }, readFile, this.#problems) ?? null
    );
  }

  #resolved(node: Node | null): Node | null {
    return isAlias(node) ? (node.resolve(this.#document) ?? null) : node;
  }

  #at(node: Node | null, otherwise: string): string {
    const offset = node?.range?.[0];
    return offset === undefined ? otherwise : this.#place(offset);
  }

  #place(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#options.path}:${line}:${col}`;
  }

  #problem(variable: string, says: string): void {
    this.#problems.push({ variable, says });
  }
}

/** The file does not say where it is itself. */
function isOfFile(name: OptionName): boolean {
  return name !== 'CONFIG_FILE';
}

/** For a key of the other place: everything can stand at the top, and there Segment's begin with `segment_`. */
function elsewhere(key: string, known: ReadonlyMap<string, OptionName>): string | null {
  const name = OPTION_NAMES.find((each) => keyOf(each) === key || sourceKeyOf(each) === key);
  if (name === undefined || !isOfFile(name)) return null;
  const here = [keyOf(name), sourceKeyOf(name)].find((other) => known.has(other));
  return here === undefined ? ' It holds for all sources: write it at the top.' : ` Here it is ${here}.`;
}
