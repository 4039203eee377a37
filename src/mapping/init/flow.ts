/**
 * A value of a file on one line, as `{ column: kind, codes: { V: VOID } }`. Whatever could be taken for something else than a
 * text is quoted, in older readers of YAML, too: names and codes are others' words.
 */
export function flow(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value).map(
      ([key, each]) => `${OWN_KEYS.has(key) ? key : text(key)}: ${flow(each)}`,
    );
    return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
  }
  return typeof value === 'string' ? text(value) : String(value);
}

/** Keys of the contract, which it writes without quotes. */
const OWN_KEYS = new Set(['true', 'on']);
const PLAIN = /^[A-Za-z_][\w./-]*(?: [\w./-]+)*$/;
const TAKEN = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
const NOT_PRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

function text(value: string): string {
  if (PLAIN.test(value) && !TAKEN.test(value)) return value;
  if (value.search(NOT_PRINTABLE) === -1) return `'${value.replaceAll("'", "''")}'`;
  // JSON is YAML, and has a form for every character.
  return JSON.stringify(value).replaceAll(NOT_PRINTABLE, escaped);
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code > 0xff_ff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
