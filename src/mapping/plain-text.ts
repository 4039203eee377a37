import type { Expression } from './expression.js';

/**
 * What `::text` makes of a column, from what the stream carries: the same but for two types. Expressions compute with it, so
 * that a code or a literal means the same in SQL and here.
 */
export function plainText(wire: string, type: string): string {
  if (type === 'bool') return wire === 't' ? 'true' : 'false';
  return type === 'bpchar' ? withoutPadding(wire) : wire;
}

/** Only the blanks that char(n) fills up with. */
function withoutPadding(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === ' ') end -= 1;
  return text.slice(0, end);
}

/** A literal that is compared with an expression: `t` and `f` of a boolean column as a cast writes them. */
export function literalOf(of: Expression, literal: string): string {
  const ofBoolean = of.kind === 'truth' || (of.kind === 'column' && of.type === 'bool');
  if (!ofBoolean) return literal;
  if (literal === 't') return 'true';
  return literal === 'f' ? 'false' : literal;
}
