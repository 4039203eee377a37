import type { Check } from './checks.js';
import type { CustomNames } from './custom-names.js';

export const ROLES = ['all', 'capture', 'deliver'] as const;
/** `capture` is everything up to the queue, `deliver` everything after it. */
export type Role = (typeof ROLES)[number];

export type OptionGroup =
  'PostgreSQL' | 'Redis' | 'Segment' | 'What is sent' | 'Suppression list' | 'Capture' | 'Process';

export interface OptionSpec<T = unknown> {
  readonly group: OptionGroup;
  readonly doc: string;
  readonly check: Check<T>;
  /** The same where custom events are declared, whose names it takes, too. */
  readonly checkWith?: (custom: CustomNames) => Check<T>;
  /** Text read when the variable is unset or empty; without one the option is null. */
  readonly default?: string;
  /** Never printed, neither its value nor a part of it. */
  readonly secret?: true;
  /**
   * `also`: `<NAME>_FILE` names a file that holds the value, as container platforms mount secrets.
   * `only`: the variable's own name ends in _FILE and there is no other way to give it.
   * `path`: the value is the path itself, of a file that is read while the connector runs.
   */
  readonly file?: 'also' | 'only' | 'path';
  /** A comma list of `name=value`, which a file may also write as keys with their values. */
  readonly pairs?: true;
}

/** Keeps the literal type of an entry, so that a default shows in the type of its value. */
export function option<const S extends OptionSpec>(spec: S): S {
  return spec;
}
