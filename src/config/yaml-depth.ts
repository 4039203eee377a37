import type { CST } from 'yaml';

/**
 * Where the first collection stands that has more than `limit` around it, as an offset; null when none has. The library
 * composes by recursion and relies on being able to catch that the stack is full: this looks without recursion.
 */
export function deeperThan(tokens: Iterable<CST.Token>, limit: number): number | null {
  const open: { readonly token: CST.Token; readonly depth: number }[] = [];
  for (const token of tokens) open.push({ token, depth: 0 });
  let first: number | null = null;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (depth > limit) {
      first = Math.min(first ?? Infinity, 'offset' in token ? token.offset : 0);
      continue;
    }
    for (const inner of insideOf(token)) open.push({ token: inner, depth: depth + 1 });
  }
  return first;
}

function insideOf(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value];
  if (!('items' in token)) return [];
  return token.items.flatMap(({ key, value }) => [key, value]).filter((inner) => inner != null);
}
