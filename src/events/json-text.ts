import { EXACT_MARK } from '../records/values.js';

/** How `JSON.stringify` writes the string of an ExactNumber. A quote of ordinary text is escaped, so only one matches. */
const WRITTEN_MARK = JSON.stringify(EXACT_MARK).slice(0, -1);
const EXACT_NUMBER = /"\\u0000(-?[0-9.]+)"/g;

export interface JsonText {
  readonly text: string;
  /** What a JSON Schema can judge: the value itself, or as read back where it holds numbers beyond a double. */
  readonly judged: unknown;
}

/** The value as JSON, numbers exact. */
export function writeJson(value: object): JsonText {
  const text = JSON.stringify(value);
  if (!text.includes(WRITTEN_MARK)) return { text, judged: value };
  const exact = text.replace(EXACT_NUMBER, '$1');
  return { text: exact, judged: JSON.parse(exact) };
}
