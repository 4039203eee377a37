import { parseConfig } from '../../src/config/parse.js';
import type { Environment } from '../../src/config/environment.js';
import { ConnectorError } from '../../src/errors/connector-error.js';
import type { CustomEventSpec, MappingSpec } from '../../src/mapping/spec.js';
import type { Expression } from '../../src/mapping/expression.js';

const PATH = 'c.yaml';

/** What a file says of the user's schema. @throws ConnectorError */
export function mappingOf(yaml: string, env: Environment = {}): MappingSpec {
  return parseConfig({ CONFIG_FILE: PATH, ...env }, { command: 'check' }, { readFile: () => yaml }).mapping;
}

/** What is wrong with a file, one line each: `c.yaml:12:5 name says.` */
export function problemsOf(yaml: string, env: Environment = {}): string[] {
  try {
    mappingOf(yaml, env);
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.code !== 'CONFIG_INVALID') throw error;
    return error.message.split('\n  - ').slice(1);
  }
  return [];
}

/** A feed of guests, whose `columns` end with a further line. */
export function guest(line: string, more = ''): string {
  return `mapping:\n  guest:\n    table: members\n${more}    columns:\n      user_id: id\n      ${line}\n`;
}

/** Of the column that `line` gives a value. */
export function valueOf(yaml: string, column: string, env: Environment = {}): Expression | undefined {
  return mappingOf(yaml, env).feeds?.[0]?.columns.get(column)?.value;
}

/** A custom event with further lines. */
export function event(...lines: readonly string[]): string {
  const head = [
    'mapping:',
    '  zone: UTC',
    'custom_events:',
    '  - name: Reservation Made',
    '    table: reservation',
  ];
  return [...head, ...lines.map((line) => `    ${line}`), ''].join('\n');
}

export function eventOf(yaml: string): CustomEventSpec | undefined {
  return mappingOf(yaml).customEvents[0];
}

export function column(name: string, join: string | null = null): Expression {
  return { kind: 'column', join, column: name, type: 'unknown' };
}
