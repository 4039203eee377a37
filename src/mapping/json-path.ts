/**
 * `#>>` on the text of a json or jsonb value. Nothing is parsed but what is asked for: a number's digits and the spelling
 * of an object inside json come out as they stand, which no JSON.parse would leave.
 * @see https://www.postgresql.org/docs/current/functions-json.html#FUNCTIONS-JSON-PROCESSING
 */

/** What stands at the path, null when there is nothing or a JSON null. `text` must be JSON, as the server's always is. */
export function jsonTextAt(text: string, path: readonly string[]): string | null {
  const found = new Search(text, path).run();
  if (found === null || found === 'null') return null;
  return found.startsWith('"') ? unquoted(found) : found;
}

/**
 * Escapes that json accepts and `#>>` fails on, as regular expressions that JavaScript and PostgreSQL read alike. Escaped
 * backslashes are to be taken out before, and then pairs of surrogates.
 */
export const SUSPECT_ESCAPE = String.raw`\\u(0000|[dD][89a-fA-F])`;
export const SURROGATE_PAIR = String.raw`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`;
const SUSPECT = new RegExp(SUSPECT_ESCAPE);
const PAIRS = new RegExp(SURROGATE_PAIR, 'g');

/** Whether a json text (jsonb never) holds an escape that no text can: a zero byte, or half of a surrogate pair. */
export function hasUntextableEscape(text: string): boolean {
  if (!SUSPECT.test(text)) return false;
  return SUSPECT.test(text.replaceAll('\\\\', '--').replaceAll(PAIRS, ''));
}

function unquoted(token: string): string {
  return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
}

const INDEX = /^[ \t\n\v\f\r]*[+-]?[0-9]{1,10}$/;
const INT4_END = 2 ** 31;

/** As strtol reads an array's subscript; null: it is none, and no element has it. */
function subscript(element: string): number | null {
  const index = INDEX.test(element) ? Number(element) : Number.NaN;
  return index > -INT4_END && index < INT4_END ? index : null;
}

export function countsFromTheEnd(element: string): boolean {
  return (subscript(element) ?? 0) < 0;
}

class Search {
  readonly #text: string;
  readonly #path: readonly string[];
  #found: string | null = null;

  constructor(text: string, path: readonly string[]) {
    this.#text = text;
    this.#path = path;
  }

  run(): string | null {
    this.#value(this.#blanks(0), 0);
    return this.#found;
  }

  /** Where the value at `at`, to which the first `depth` elements of the path lead, ends. */
  #value(at: number, depth: number): number {
    if (depth === this.#path.length) {
      const end = this.#skip(at);
      // json keeps keys that come twice; the last one counts.
      this.#found = this.#text.slice(at, end);
      return end;
    }
    const first = this.#text[at];
    if (first === '{') return this.#object(at, depth);
    return first === '[' ? this.#array(at, depth) : this.#skip(at);
  }

  #object(start: number, depth: number): number {
    let at = this.#blanks(start + 1);
    while (this.#within(at) && this.#text[at] !== '}') {
      const keyEnd = this.#skip(at);
      const here = unquoted(this.#text.slice(at, keyEnd)) === this.#path[depth];
      at = this.#blanks(this.#blanks(keyEnd) + 1);
      at = this.#blanks(here ? this.#value(at, depth + 1) : this.#skip(at));
      if (this.#text[at] === ',') at = this.#blanks(at + 1);
    }
    return at + 1;
  }

  #array(start: number, depth: number): number {
    const asked = subscript(this.#path[depth] ?? '');
    if (asked === null) return this.#skip(start);
    const wanted = asked < 0 ? asked + this.#length(start) : asked;
    return this.#elements(start, (at, index) =>
      index === wanted ? this.#value(at, depth + 1) : this.#skip(at),
    );
  }

  #length(start: number): number {
    let length = 0;
    this.#elements(start, (at) => {
      length += 1;
      return this.#skip(at);
    });
    return length;
  }

  #elements(start: number, each: (at: number, index: number) => number): number {
    let at = this.#blanks(start + 1);
    for (let index = 0; this.#within(at) && this.#text[at] !== ']'; index += 1) {
      at = this.#blanks(each(at, index));
      if (this.#text[at] === ',') at = this.#blanks(at + 1);
    }
    return at + 1;
  }

  /** A text that is no JSON after all must not be read for ever. */
  #within(at: number): boolean {
    return at < this.#text.length;
  }

  #blanks(at: number): number {
    let next = at;
    // Of the characters up to the blank, JSON has only white space between its tokens.
    while (this.#text.charCodeAt(next) <= 0x20) next += 1;
    return next;
  }

  /** The end of the value (or key) at `at`, whatever it holds. */
  #skip(at: number): number {
    const first = this.#text[at];
    if (first === '"') return this.#stringEnd(at);
    let next = at;
    if (first !== '{' && first !== '[') {
      do next += 1;
      while (this.#within(next) && !',]} \t\n\r'.includes(this.#text[next] as string));
      return next;
    }
    let open = 0;
    do {
      const char = this.#text[next];
      if (char === '"') {
        next = this.#stringEnd(next);
        continue;
      }
      if (char === '{' || char === '[') open += 1;
      else if (char === '}' || char === ']') open -= 1;
      next += 1;
    } while (open > 0 && this.#within(next));
    return next;
  }

  #stringEnd(start: number): number {
    let end = this.#text.indexOf('"', start + 1);
    while (end !== -1 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
    return end === -1 ? this.#text.length : end + 1;
  }

  #isEscaped(at: number): boolean {
    let backslashes = 0;
    while (this.#text[at - 1 - backslashes] === '\\') backslashes += 1;
    return backslashes % 2 === 1;
  }
}
