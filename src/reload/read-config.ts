import { createHash } from 'node:crypto';
import type { Config } from '../config/config.js';
import type { Environment } from '../config/environment.js';
import { parseConfig, type Use } from '../config/parse.js';
import { readTextFile } from '../config/text-file.js';
import { toError } from '../errors/connector-error.js';

/** What each of the files holds that a configuration is made of: the same everywhere, the same configuration. */
export type Fingerprint = ReadonlyMap<string, string>;

/** In the files that both know. */
export function sameWhereKnown(a: Fingerprint, b: Fingerprint): boolean {
  return [...a].every(([path, state]) => (b.get(path) ?? state) === state);
}

export type ReadConfig =
  | { readonly tag: 'read'; readonly config: Config; readonly fingerprint: Fingerprint }
  /** The error names every problem. */
  | { readonly tag: 'refused'; readonly error: Error; readonly fingerprint: Fingerprint };

/**
 * Reads a configuration and remembers the files it came from: `connector.yaml`, and those that hold secrets. By content, as
 * neither times nor links say whether a file that was put in place of another holds something else.
 */
export class ConfigReader {
  readonly #env: Environment;
  readonly #use: Use;
  readonly #readFile: (path: string) => string;
  /** Of the last reading, successful or not. */
  #paths: readonly string[] = [];

  /** @param options.readFile for tests. Default: the file system. */
  constructor(env: Environment, use: Use, options: { readonly readFile?: (path: string) => string } = {}) {
    this.#env = env;
    this.#use = use;
    this.#readFile = options.readFile ?? readTextFile;
  }

  read(): ReadConfig {
    const contents = new Map<string, string>();
    const readFile = (path: string): string => {
      contents.set(path, this.#stateOf(path));
      return this.#readFile(path);
    };
    try {
      const config = parseConfig(this.#env, this.#use, { readFile });
      return { tag: 'read', config, fingerprint: this.#remember(contents) };
    } catch (error) {
      return { tag: 'refused', error: toError(error), fingerprint: this.#remember(contents) };
    }
  }

  /** Of what the files of the last reading hold now. */
  look(): Fingerprint {
    return new Map(this.#paths.map((path) => [path, this.#stateOf(path)]));
  }

  #remember(contents: Fingerprint): Fingerprint {
    this.#paths = [...contents.keys()];
    return contents;
  }

  #stateOf(path: string): string {
    try {
      return createHash('sha256').update(this.#readFile(path)).digest('hex');
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      return `unreadable: ${code}`;
    }
  }
}
