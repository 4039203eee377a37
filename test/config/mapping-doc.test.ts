import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { parse as parseYaml } from 'yaml';
import { expect, it } from 'vitest';
import { settingsFileSchema } from '../../src/config/file-schema.js';
import { MODIFIERS } from '../../src/config/modifier-file.js';
import { CUSTOM_EVENT_KEYS } from '../../src/config/custom-events-file.js';
import { SOURCES } from '../../src/config/expression-file.js';
import { problemsOf } from './read-mapping.js';

const doc = readFileSync(new URL('../../docs/mapping.md', import.meta.url), 'utf8');
const examples = [...doc.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml]) => yaml ?? '');

it('there are examples', () => {
  expect(examples.length).toBeGreaterThan(5);
});

it.each(examples)('an example of the documentation is taken, by editors too: %#', (yaml) => {
  expect(problemsOf(yaml)).toEqual([]);
  const valid = new Ajv({ strict: false }).compile(settingsFileSchema());
  expect(valid(parseYaml(yaml)), JSON.stringify(valid.errors)).toBe(true);
});

it('every form of a value and every key of a custom event is shown', () => {
  const yaml =
    examples.join('\n') + [...doc.matchAll(/^\| `(\{.*?\})`/gm)].map(([, value]) => value).join('\n');
  for (const form of [...SOURCES, ...MODIFIERS, 'separator', 'else'])
    expect(yaml).toMatch(new RegExp(`\\b${form}:`));
  for (const key of CUSTOM_EVENT_KEYS) expect(doc).toContain(`| \`${key}\``);
});
