import type { Expression } from '../../src/mapping/expression.js';

/** Shorthands in which a test can be read. */
export function col(
  column: string,
  type = 'text',
  join: string | null = null,
): Expression & { kind: 'column' } {
  return { kind: 'column', join, column, type };
}

export function text(given: string | null): Expression {
  return { kind: 'constant', text: given };
}

export function first(...of: readonly Expression[]): Expression {
  return { kind: 'first', of };
}

export function zoned(of: Expression, zone = 'America/New_York'): Expression {
  return { kind: 'zoned', of, zone };
}

export function truth(of: Expression, trueWhen: readonly string[] | 'set'): Expression {
  return { kind: 'truth', of, trueWhen: trueWhen === 'set' ? 'set' : new Set(trueWhen) };
}

export function codes(
  of: Expression,
  listed: Readonly<Record<string, string>>,
  otherwise: (Expression & { kind: 'codes' })['otherwise'] = { keep: true },
): Expression {
  return { kind: 'codes', of, codes: new Map(Object.entries(listed)), otherwise };
}

export function path(of: Expression, ...elements: readonly string[]): Expression {
  return { kind: 'json', of, path: elements };
}

export function scaled(of: Expression, digits = 2): Expression {
  return { kind: 'scaled', of, digits };
}

export function negated(of: Expression): Expression {
  return { kind: 'signed', of, sign: 'negated' };
}

export function absolute(of: Expression): Expression {
  return { kind: 'signed', of, sign: 'absolute' };
}

export function epoch(of: Expression, unit: 's' | 'ms' | 'us'): Expression {
  return { kind: 'epoch', of, unit };
}

export function composite(...parts: readonly Expression[]): Expression & { kind: 'composite' } {
  return { kind: 'composite', parts };
}

export function concat(separator: string, ...parts: readonly Expression[]): Expression {
  return { kind: 'concat', parts, separator };
}

export const COMMIT_TIME: Expression = { kind: 'commit-time' };
