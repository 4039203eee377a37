import type { Environment } from '../config/environment.js';
import type { Output } from './context.js';

type Paint = (text: string) => string;
export type Style = Readonly<Record<'bold' | 'dim' | 'red' | 'yellow' | 'green', Paint>>;

const CODES = { bold: 1, dim: 2, red: 31, yellow: 33, green: 32 } as const;

/** Colours on a terminal only, and not where NO_COLOR is set (https://no-color.org). */
export function styleFor(out: Output, env: Environment): Style {
  const coloured = out.isTTY === true && (env['NO_COLOR'] ?? '') === '';
  const paint =
    (code: number): Paint =>
    (text) =>
      coloured ? `\u001b[${code}m${text}\u001b[0m` : text;
  return {
    bold: paint(CODES.bold),
    dim: paint(CODES.dim),
    red: paint(CODES.red),
    yellow: paint(CODES.yellow),
    green: paint(CODES.green),
  };
}
