const TOKENS = /"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/g;
/** No key of a JSON text that is read here: jsonb cannot hold it, and json texts with it are left out. */
const NUMBER_KEY = '\u0000';
const INDEX = /^-?\d+$/;

/** Within json a zero byte can be written that no text of PostgreSQL's can hold: such a value is taken for null. */
export const ESCAPED_ZERO = '\\u0000';

/**
 * What stands at a path of a JSON text, as PostgreSQL's `#>>` gives it: strings bare, numbers with the digits they are
 * written with. Null for what is not there, for null, and for objects and arrays.
 */
export function textAtPath(json: string, path: readonly string[]): string | null {
  if (json.includes(ESCAPED_ZERO)) return null;
  const marked = json.replaceAll(TOKENS, (token) =>
    token.startsWith('"') ? token : `{${JSON.stringify(NUMBER_KEY)}:"${token}"}`,
  );
  let at: unknown = JSON.parse(marked);
  for (const step of path) at = stepInto(at, step);
  if (typeof at === 'string') return at;
  if (typeof at === 'boolean') return at ? 'true' : 'false';
  return digitsOf(at);
}

function stepInto(value: unknown, step: string): unknown {
  if (Array.isArray(value)) {
    return INDEX.test(step) ? (value as readonly unknown[]).at(Number(step)) : undefined;
  }
  if (typeof value !== 'object' || value === null || digitsOf(value) !== null) return undefined;
  return Object.hasOwn(value, step) ? (value as Readonly<Record<string, unknown>>)[step] : undefined;
}

function digitsOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, NUMBER_KEY)) return null;
  return (value as Readonly<Record<string, string>>)[NUMBER_KEY] ?? null;
}
