export const MAX_QUOTED_CHARS = 60;

/** What moves the cursor of a terminal, or turns the direction of what follows; JSON escapes only the first of them. */
const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** A text from outside in quotes, in one line, and cut: it may have been pasted. */
export function quoted(text: string, maxChars = MAX_QUOTED_CHARS): string {
  const shown = text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
  return JSON.stringify(shown).replaceAll(INVISIBLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** No option's name is as long. */
export const MAX_NAME_CHARS = 64;

/** A name from outside that begins a problem: it may hold anything, line ends too, and goes into a list of one line each. */
export function printable(name: string): string {
  return name.length <= MAX_NAME_CHARS && /^[\w.-]+$/.test(name) ? name : quoted(name);
}
