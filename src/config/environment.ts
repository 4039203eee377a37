import { didYouMean, editDistance } from '../errors/nearest.js';
import { OPTION_NAMES, OPTIONS, type OptionName, type OptionValues } from './options.js';
import type { CustomNames } from './custom-names.js';
import type { OptionSpec } from './option.js';
import { MAX_NAME_CHARS, printable, quoted } from './quoted.js';
import { readTextFile } from './text-file.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** One thing wrong, as a sentence that begins with the variable's name. Never holds a secret. */
export interface Problem {
  readonly variable: string;
  readonly says: string;
}

export interface ReadOptions {
  /** Contents of the file behind a `_FILE` variable. Default: the file system. */
  readonly readFile?: (path: string) => string;
  /** Names that the file declares. Default: none. */
  readonly custom?: CustomNames;
}

/** Reads every option of the table and collects all that is wrong; an option in error falls back to its default. */
export function readOptions(
  env: Environment,
  options: ReadOptions = {},
): { values: OptionValues; problems: Problem[] } {
  const readFile = options.readFile ?? readTextFile;
  const problems: Problem[] = [];
  const values: Record<string, unknown> = {};
  for (const name of OPTION_NAMES) {
    const spec: OptionSpec = OPTIONS[name];
    const text = textOf(name, spec, env, readFile, problems) ?? spec.default;
    values[name] = text === undefined ? null : parsed(name, checkOf(spec, options), text, problems);
  }
  return { values: values as OptionValues, problems };
}

function textOf(
  name: OptionName,
  spec: OptionSpec,
  env: Environment,
  readFile: (path: string) => string,
  problems: Problem[],
): string | undefined {
  const own = given(env[name]);
  const read = (variable: string, path: string): string | undefined =>
    contentsOf({ variable, path, secret: spec.secret ?? false }, readFile, problems);
  if (spec.file === 'only') return own === undefined ? undefined : read(name, own);
  const path = spec.file === 'also' ? given(env[`${name}_FILE`]) : undefined;
  if (path === undefined) return own;
  if (own !== undefined) {
    problems.push({ variable: name, says: `is set together with ${name}_FILE; set one of them.` });
    return undefined;
  }
  return read(`${name}_FILE`, path);
}

/** Compose files and shells hand over an unset variable as an empty one. */
function given(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === '' ? undefined : trimmed;
}

/** More of a path is not quoted. */
const MAX_PATH_CHARS = 200;

/**
 * The text of a file that holds a value; undefined, and a problem, when there is none.
 * A secret's path is not named: where one is expected people put the secret itself.
 */
export function contentsOf(
  file: { readonly variable: string; readonly path: string; readonly secret: boolean },
  readFile: (path: string) => string,
  problems: Problem[],
): string | undefined {
  const { variable, path, secret } = file;
  const shown = secret ? null : quoted(path, MAX_PATH_CHARS);
  try {
    const text = given(readFile(path));
    if (text === undefined) {
      problems.push({ variable, says: `names an empty file${shown === null ? '' : ` (${shown})`}.` });
    }
    return text;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    const why = shown === null ? code : `${shown}: ${code}`;
    problems.push({ variable, says: `names a file that cannot be read (${why}).` });
    return undefined;
  }
}

function checkOf(spec: OptionSpec, { custom }: ReadOptions): Pick<OptionSpec, 'check' | 'default'> {
  const check = custom === undefined ? undefined : spec.checkWith?.(custom);
  return check === undefined ? spec : { ...spec, check };
}

function parsed(
  name: OptionName,
  { check, default: standing }: Pick<OptionSpec, 'check' | 'default'>,
  text: string,
  problems: Problem[],
): unknown {
  const result = check.safeParse(text);
  if (result.success) return result.data;
  for (const issue of result.error.issues) problems.push({ variable: name, says: issue.message });
  return standing === undefined ? null : check.parse(standing);
}

/** A variable that begins like this and is no option is a mistake, not another program's. */
const OWN_PREFIX = /^(SEGMENT|DATABASE_TLS|REDIS_TLS|CARD_NUMBER|USER_ID|SUPPRESSION)_/;
/** Kubernetes adds these for every service of the namespace, whatever its name. */
const SERVICE_LINK = /_SERVICE_(HOST|PORT)(_|$)|_PORT(_\d+_(TCP|UDP)(_.+)?)?$/;
/** Set by shells and proxies; near one of our names by chance. */
const FOREIGN = new Set(['LINES', 'LANG', 'USER', 'HTTP_PROXY', 'HTTPS_PROXY']);

/** Names that look meant for the connector and are not: otherwise a typo silently leaves the default in force. */
export function unknownVariables(env: Environment): Problem[] {
  const known = new Set<string>(OPTION_NAMES.flatMap((name) => variablesOf(name)));
  const problems: Problem[] = [];
  for (const variable of Object.keys(env)) {
    if (known.has(variable) || FOREIGN.has(variable) || SERVICE_LINK.test(variable)) continue;
    const tolerated = variable.length < 8 ? 1 : 2;
    // Comparing takes time in proportion to both lengths.
    const near =
      variable.length <= MAX_NAME_CHARS &&
      [...known].some((name) => editDistance(variable, name) <= tolerated);
    if (near || OWN_PREFIX.test(variable)) {
      problems.push({
        variable: printable(variable),
        says: `is not an option.${didYouMean(variable, known)}`,
      });
    }
  }
  return problems;
}

/** The variables that set an option: its name, and `<NAME>_FILE` where a file may hold it. */
export function variablesOf(name: OptionName): string[] {
  const spec: OptionSpec = OPTIONS[name];
  return spec.file === 'also' ? [name, `${name}_FILE`] : [name];
}
