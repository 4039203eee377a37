import { REFERENCE_SPEC, type MappingSpec } from '../mapping/spec.js';
import { readTextFile } from './text-file.js';
import { variablesOf, type Environment, type Problem, type ReadOptions } from './environment.js';
import { type OptionName } from './options.js';
import { keyOf, readSettingsFile, type GivenSource } from './settings-file.js';

/** The environment over the file it names. */
export interface Layers {
  /** Every option's variable: the environment's own, else the file's. */
  readonly env: Environment;
  /** Null: there is one source, that of the options. */
  readonly sources: readonly GivenSource[] | null;
  readonly mapping: MappingSpec;
  /** Of the file itself. */
  readonly problems: readonly Problem[];
  /** Nothing of the file is known, so that nothing can be said of what is missing. */
  readonly broken: boolean;
  /** Options that the file gives in a way that cannot be read: reported, and not missing. */
  readonly unreadable: ReadonlySet<string>;
  /** A problem with a value of the file names the line instead of the variable. */
  placed(problem: Problem): Problem;
}

const VARIABLE = 'CONFIG_FILE';

export function layered(env: Environment, options: ReadOptions): Layers {
  const path = env[VARIABLE]?.trim() ?? '';
  const alone: Layers = {
    env,
    sources: null,
    mapping: REFERENCE_SPEC,
    problems: [],
    broken: false,
    unreadable: new Set(),
    placed: (problem) => problem,
  };
  if (path === '') return alone;
  const readFile = options.readFile ?? readTextFile;
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return {
      ...alone,
      broken: true,
      problems: [{ variable: VARIABLE, says: `names a file that cannot be read (${code}).` }],
    };
  }
  const file = readSettingsFile(text, { path, env, readFile });
  const merged: Record<string, string | undefined> = { ...env };
  const places = new Map<string, string>();
  const unreadable = new Set<string>();
  for (const [name, given] of file.options) {
    if (isSet(env, name)) continue;
    if (given.text === null) unreadable.add(name);
    merged[name] = given.text ?? undefined;
    places.set(name, `${given.at} ${keyOf(name)}`);
  }
  return {
    env: merged,
    sources: file.sources,
    mapping: file.mapping,
    problems: file.problems,
    broken: file.broken,
    unreadable,
    placed: ({ variable, says }) => ({ variable: places.get(variable) ?? variable, says }),
  };
}

function isSet(env: Environment, name: OptionName): boolean {
  return variablesOf(name).some((variable) => (env[variable]?.trim() ?? '') !== '');
}
