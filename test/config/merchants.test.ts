import { expect, test } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { parseConfig } from '../../src/config/parse.js';

const ENV = { DATABASE_URL: 'postgresql://u:p@db/loyalty', REDIS_URL: 'redis://redis' };

function withFile(text: string, env: Record<string, string> = {}): Config {
  return parseConfig(
    { ...ENV, ...env, CONFIG_FILE: 'connector.yaml' },
    { command: 'run' },
    { readFile: () => text },
  );
}

function merchants({ sources }: Config): (readonly string[] | null)[] {
  return sources.map(({ settings: { merchantIds } }) => (merchantIds === null ? null : [...merchantIds]));
}

test('a source takes one merchant, several, or all of them', () => {
  const config = withFile(
    `
sources:
  - { name: one, write_key: a, merchant_id: 1 }
  - { name: several, write_key: b, merchant_id: [2, 3, 9223372036854775807] }
  - { name: every, write_key: c }
  - { name: also-every, write_key: d, merchant_id: "*" }
`,
    { MERCHANT_ID: '' },
  );
  expect(merchants(config)).toEqual([['1'], ['2', '3', '9223372036854775807'], null, null]);
});

test('what holds for all sources gives way to what a source says, to all merchants too', () => {
  const config = withFile(
    `
merchant_id: 1, 2
sources:
  - { name: as-all, write_key: a }
  - { name: every, write_key: b, merchant_id: "*" }
`,
  );
  expect(merchants(config)).toEqual([['1', '2'], null]);
});

test('two sources of one key may share no merchant, as everything of it would be sent twice', () => {
  const sources = (first: string, second: string): string => `
sources:
  - { name: first, write_key: same, merchant_id: ${first} }
  - { name: second, write_key: same, merchant_id: ${second} }
`;
  expect(merchants(withFile(sources('[1, 2]', '[3, 4]')))).toEqual([
    ['1', '2'],
    ['3', '4'],
  ]);
  expect(() => withFile(sources('[1, 2]', '[2, 3]'))).toThrow('everything would be sent twice');
  expect(() => withFile(sources('[1, 2]', '"*"'))).toThrow('everything would be sent twice');
});

test.each(['0', '1, x', 'harbor', '1;2', '1,', '* , 1'])('%s is no merchant', (text) => {
  expect(() =>
    parseConfig({ ...ENV, SEGMENT_WRITE_KEY: 'k', MERCHANT_ID: text }, { command: 'run' }),
  ).toThrow('it must be a merchant_id');
});

test('without a file the source is named after its merchant, where it takes one', () => {
  const name = (MERCHANT_ID: string): string | undefined =>
    parseConfig({ ...ENV, SEGMENT_WRITE_KEY: 'k', MERCHANT_ID }, { command: 'run' }).sources[0].settings.name;
  expect([name('7'), name('7, 8'), name('*'), name('')]).toEqual([
    'merchant-7',
    'default',
    'default',
    'default',
  ]);
});
