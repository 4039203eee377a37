import type { ValidateFunction } from 'ajv';
import { writeJson } from './json-text.js';
import { problemOf } from './schema/validators.js';

/** A part of an event's properties, written and checked once and used for every event that shares it. */
export interface Fragment {
  /** Members of the object, without its braces. */
  readonly members: string;
  /** What its JSON Schema says against it; null when nothing. */
  readonly problem: string | null;
}

export function fragment(part: object, schema: ValidateFunction): Fragment {
  const { text, judged } = writeJson(part);
  return { members: text.slice(1, -1), problem: problemOf(schema, judged) };
}
