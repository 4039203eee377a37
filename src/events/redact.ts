import { createHmac } from 'node:crypto';
import type { Privacy, PrivacyRule } from '../config/privacy.js';

/**
 * The members of a JSON object with what its source keeps private taken out of them. On the text and not on the values: the
 * text is made once for all sources and holds numbers that no double does.
 * @param members as `Fragment.members`: an object of this project's own writing, without its braces
 */
export function redacted(members: string, privacy: Privacy | null): string {
  if (privacy === null || members === '') return members;
  let text = '';
  let at = 0;
  while (at < members.length) {
    const keyEnd = endOfString(members, at);
    const valueStart = keyEnd + 1;
    const valueEnd = endOfValue(members, valueStart);
    const rule = privacy.rules.get(members.slice(at + 1, keyEnd - 1));
    const value = members.slice(valueStart, valueEnd);
    text += members.slice(at, valueStart) + (rule === undefined ? value : ruled(value, rule, privacy));
    // The comma.
    if (valueEnd < members.length) text += members[valueEnd];
    at = valueEnd + 1;
  }
  return text;
}

function ruled(value: string, rule: PrivacyRule, { hashKey }: Privacy): string {
  // Other than text can only be dropped; the configuration asks for nothing else.
  if (rule.tag === 'drop' || !value.startsWith('"')) return 'null';
  const plain = JSON.parse(value) as string;
  switch (rule.tag) {
    case 'mask':
      return JSON.stringify(plain === '' ? '' : `${[...plain][0] ?? ''}***`);
    case 'truncate':
      return JSON.stringify([...plain].slice(0, rule.chars).join(''));
    case 'hash':
      if (hashKey === null) throw new TypeError('hashed properties need a key');
      return JSON.stringify(createHmac('sha256', hashKey).update(plain, 'utf8').digest('hex'));
    default:
      return rule satisfies never;
  }
}

/** Behind the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') {
    if (at >= text.length) throw new RangeError('a string of a fragment does not end');
    at += text[at] === '\\' ? 2 : 1;
  }
  return at + 1;
}

/** Behind the value that begins at `start`. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const character = text[at];
    if (character === '"') {
      at = endOfString(text, at);
      continue;
    }
    if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    else if (character === ',' && depth === 0) return at;
    at += 1;
  }
  return at;
}
