import { isSeq, type Node } from 'yaml';
import { REFERENCE_SPEC, type MappingSpec } from '../mapping/spec.js';
import type { Problem } from './environment.js';
import { readMapping } from './mapping-file.js';
import { didYouMean } from '../errors/nearest.js';
import { OPTION_NAMES, OPTIONS, SOURCE_OPTION_NAMES, type OptionName } from './options.js';
import { quoted } from './quoted.js';
import { YamlNodes, type Entry, type ReadSettingsOptions } from './yaml-nodes.js';

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
  readonly mapping: MappingSpec;
  readonly problems: readonly Problem[];
  /** It is no YAML at all: nothing of it is known. */
  readonly broken: boolean;
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
const MAPPING = 'mapping';
const CUSTOM_EVENTS = 'custom_events';
const SECTIONS = [SOURCES, MAPPING, CUSTOM_EVENTS];

/**
 * Reads `connector.yaml`: options by their names in small letters, the sources, and the mapping. Values may hold `${NAME}` of
 * the environment, and those of options be `file:/path` of a file that holds them. Everything wrong is collected, with line and
 * column and without a value that might be a secret.
 */
export function readSettingsFile(text: string, options: ReadSettingsOptions): SettingsFile {
  return new Reading(new YamlNodes(text, options)).read();
}

class Reading {
  readonly #nodes: YamlNodes;

  constructor(nodes: YamlNodes) {
    this.#nodes = nodes;
  }

  read(): SettingsFile {
    const { problems, root } = this.#nodes;
    const options = new Map<OptionName, Given>();
    const nothing = { options, sources: null, mapping: REFERENCE_SPEC, problems };
    if (problems.length > 0) return { ...nothing, broken: true };
    if (root === null) return { ...nothing, broken: false };
    const known = new Map(OPTION_NAMES.filter(isOfFile).map((name) => [keyOf(name), name]));
    const sections = new Map<string, Entry>();
    for (const entry of this.#nodes.entries(root, 'the file') ?? []) {
      if (SECTIONS.includes(entry.key)) {
        sections.set(entry.key, entry);
        continue;
      }
      const name = this.#known(entry, known, SECTIONS, 'a setting');
      if (name !== null) this.#take(options, name, entry);
    }
    const listed = sections.get(SOURCES);
    const sources = listed === undefined ? null : this.#sources(listed);
    const mapping = readMapping(this.#nodes, {
      mapping: sections.get(MAPPING) ?? null,
      customEvents: sections.get(CUSTOM_EVENTS) ?? null,
    });
    return { options, sources, mapping, problems, broken: false };
  }

  #sources({ node, at }: Entry): readonly GivenSource[] {
    const list = this.#nodes.resolved(node);
    if (!isSeq(list) || list.items.length === 0) {
      this.#nodes.problem(`${at} ${SOURCES}`, 'must be a list with one entry for each source.');
      return [];
    }
    const seen = new Map<string, string>();
    return list.items.map((item) => {
      const source = this.#source(item as Node, this.#nodes.at(item as Node, at));
      const before = source.name === null ? undefined : seen.get(source.name);
      if (before !== undefined) {
        this.#nodes.problem(
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
    for (const entry of this.#nodes.entries(node, 'a source') ?? []) {
      if (entry.key === 'name') {
        named = true;
        name = this.#name(entry);
        continue;
      }
      const option = this.#known(entry, known, ['name'], 'a setting of a source');
      if (option !== null) this.#take(options, option, entry);
    }
    if (!named) {
      this.#nodes.problem(`${at} name`, 'is missing; queues, metrics and commands call the source by it.');
    }
    return { name, at, options };
  }

  #name({ node, at }: Entry): string | null {
    const text = this.#nodes.text(node, `${at} name`);
    if (text === null) return null;
    if (SOURCE_NAME.test(text)) return text;
    this.#nodes.problem(`${at} name`, `is ${quoted(text)}; it must be 1 to 40 of a–z, 0–9, _ and -.`);
    return null;
  }

  #take(into: Map<OptionName, Given>, name: OptionName, { key, node, at }: Entry): void {
    into.set(name, { text: this.#nodes.text(node, `${at} ${key}`, OPTIONS[name]), at });
  }

  #known(
    { key, at }: Entry,
    known: ReadonlyMap<string, OptionName>,
    others: readonly string[],
    what: string,
  ): OptionName | null {
    const name = known.get(key);
    if (name !== undefined) return name;
    const hint = elsewhere(key, known) ?? didYouMean(key, [...known.keys(), ...others]);
    this.#nodes.problem(`${at} ${quoted(key)}`, `is not ${what}.${hint}`);
    return null;
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
