import { Ajv } from 'ajv';
import { parse as parseYaml } from 'yaml';
import { describe, expect, it } from 'vitest';
import { settingsFileSchema } from '../../src/config/file-schema.js';
import type { Environment } from '../../src/config/environment.js';
import { parseConfig, type Use } from '../../src/config/parse.js';
import { ConnectorError } from '../../src/errors/connector-error.js';

const PATH = '/etc/connector.yaml';

const MINIMAL = `
database_url: postgresql://connector:hunter2@db:5432/loyalty
redis_url: redis://:r3disword@redis:6379/0
sources:
  - name: barn
    merchant_id: 777777
    write_key: wk_barn
`;

interface Given {
  readonly yaml?: string;
  readonly env?: Environment;
  readonly files?: Readonly<Record<string, string>>;
  readonly use?: Use;
}

function parse({ yaml = MINIMAL, env = {}, files = {}, use = { command: 'run' } }: Given = {}) {
  const readFile = (path: string): string => {
    const text = path === PATH ? yaml : files[path];
    if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
    return text;
  };
  return parseConfig({ CONFIG_FILE: PATH, ...env }, use, { readFile });
}

function problems(given: Given): string[] {
  try {
    parse(given);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    expect(error.code).toBe('CONFIG_INVALID');
    return error.message.split('\n  - ').slice(1);
  }
  return [];
}

const withSource = (lines: string): string => `${MINIMAL}    ${lines}\n`;

describe('what a file says', () => {
  it('several sources have each their own settings over those that hold for all', () => {
    const { sources, queue, postgres } = parse({
      yaml: `
database_url: postgresql://connector@db/loyalty
redis_url: redis://redis
queue_prefix: loyal
rate_limit_per_second: 300
identify: off
sources:
  - name: barn
    merchant_id: 777777
    write_key: wk_barn
    events: [POS Activity, check_in]
    user_id_prefix: px-
    lanes: 2
  - name: cellar
    merchant_id: 9223372036854775807
    write_key: wk_cellar
    host: https://events.eu1.segmentapis.com
    rate_limit_per_second: 50
    identify: on
`,
    });
    expect(postgres?.url).toBe('postgresql://connector@db/loyalty');
    expect(queue.prefix).toBe('loyal');
    const [barn, cellar] = sources;
    expect(sources).toHaveLength(2);
    expect(barn).toMatchObject({
      lanes: 2,
      settings: {
        name: 'barn',
        merchantIds: new Set(['777777']),
        identify: false,
        userId: { strategy: 'account_id', prefix: 'px-' },
        events: new Set(['POS Activity', 'Check-In']),
      },
      delivery: { name: 'barn', writeKey: 'wk_barn', rateLimitPerSecond: 300, lanes: 2 },
    });
    expect(cellar).toMatchObject({
      lanes: 1,
      settings: { name: 'cellar', merchantIds: new Set(['9223372036854775807']), identify: true },
      delivery: { host: 'https://events.eu1.segmentapis.com', rateLimitPerSecond: 50, writeKey: 'wk_cellar' },
    });
    expect(cellar?.settings.events.size).toBe(9);
  });

  it('without sources it is one source, as from the environment alone', () => {
    const yaml = `
database_url: postgresql://connector@db/loyalty
redis_url: redis://redis
segment_write_key: wk
merchant_id: 5`;
    expect(parse({ yaml }).sources).toMatchObject([
      { settings: { name: 'merchant-5' }, delivery: { writeKey: 'wk' } },
    ]);
  });

  it('a variable that is set wins over the file, in either of its two ways', () => {
    const env = { DATABASE_URL: 'postgresql://other@db2/loyalty', REDIS_URL_FILE: '/run/redis' };
    const config = parse({ env, files: { '/run/redis': 'redis://from-file' } });
    expect(config.postgres?.url).toBe('postgresql://other@db2/loyalty');
    expect(config.redis?.url).toBe('redis://from-file');
  });

  it('values may come from the environment and from files', () => {
    const yaml = `
database_url: postgresql://connector:\${PASSWORD}@db/loyalty
redis_url: file:/run/redis
database_tls_mode: verify-full
database_tls_ca_file: /tls/ca.pem
sources:
  - name: barn
    write_key: file:/run/key
  - name: cellar
    merchant_id: 6
    write_key: \${CELLAR_KEY}
`;
    const files = {
      '/run/redis': 'redis://redis\n',
      '/run/key': ' wk_file\n',
      '/tls/ca.pem': '-----BEGIN CERTIFICATE-----\n',
    };
    const config = parse({ yaml, files, env: { PASSWORD: 'pw', CELLAR_KEY: 'wk_env' } });
    expect(config.postgres?.url).toBe('postgresql://connector:pw@db/loyalty');
    expect(config.redis?.url).toBe('redis://redis');
    expect(config.sources.map(({ delivery }) => delivery?.writeKey)).toEqual(['wk_file', 'wk_env']);
  });

  it('the suppression list holds for every source: its file is named, and not taken for its contents', () => {
    const top = 'suppression_file: file:/etc/guests\nsuppression_table: public.opted_out.guest\n';
    const files = { '/etc/guests': '4711' };
    expect(parse({ yaml: `${top}${MINIMAL}`, files }).suppression).toEqual({
      file: '/etc/guests',
      table: { schema: 'public', table: 'opted_out', column: 'guest' },
      tableRefreshMs: 60_000,
    });
    expect(problems({ yaml: withSource('suppression_file: /etc/guests') })).toEqual([
      `${PATH}:8:5 "suppression_file" is not a setting of a source. It holds for all sources: write it at the top.`,
    ]);
  });

  it('privacy is written as a list or as keys, and is each source’s own', () => {
    const yaml = `${MINIMAL}    privacy: { last_name: mask, store_postal_code: truncate:3, email_opt_in: drop }
  - name: cellar
    merchant_id: 6
    write_key: wk_cellar
    privacy: [check_number=hash]
    privacy_hash_key: sixteen characters
  - { name: open, merchant_id: 7, write_key: wk_open }`;
    expect(parse({ yaml }).sources.map(({ settings }) => settings.privacy)).toEqual([
      {
        rules: new Map([
          ['last_name', { tag: 'mask' }],
          ['store_postal_code', { tag: 'truncate', chars: 3 }],
          ['email_opt_in', { tag: 'drop' }],
        ]),
        hashKey: null,
      },
      { rules: new Map([['check_number', { tag: 'hash' }]]), hashKey: 'sixteen characters' },
      null,
    ]);
  });

  it('an anchor stands for what it names', () => {
    const yaml = `${MINIMAL}    events: &few [Check-In]
  - { name: cellar, merchant_id: 6, write_key: wk_cellar, events: *few }`;
    expect(parse({ yaml }).sources.map(({ settings }) => [...settings.events])).toEqual([
      ['Check-In'],
      ['Check-In'],
    ]);
  });

  it('keys are needed only by who delivers', () => {
    const yaml = 'database_url: postgresql://c@db/l\nredis_url: redis://r\nsources:\n  - name: barn';
    expect(parse({ yaml, use: { command: 'run', role: 'capture' } }).sources[0].delivery).toBeNull();
    expect(problems({ yaml })).toEqual([
      `${PATH}:4:5 write_key is not set; it names the Segment source (file:/path may name a file instead).`,
    ]);
  });
});

describe('what is wrong is said with its line and column', () => {
  it.each<[string, string]>([
    ['event: [Check-In]', `${PATH}:8:5 "event" is not a setting of a source. Did you mean events?`],
    ['lanes: many', `${PATH}:8:5 lanes is "many"; it must be a whole number, 1 to 64.`],
    ['events: [Check-In, Chekin]', `${PATH}:8:5 events "Chekin" is no event.`],
    ['host:', `${PATH}:8:5 host has no value; write one, or leave the line out.`],
    ['events: { a: 1 }', `${PATH}:8:5 events has no value; write one, or leave the line out.`],
    [
      'user_id_prefix: ${NO_SUCH}',
      `${PATH}:8:5 user_id_prefix names \${NO_SUCH}, which the environment does not set.`,
    ],
    ['card_number: HASHED', `${PATH}:5:5 card_number_hash_key is not set; CARD_NUMBER=HASHED needs it.`],
    [
      'database_url: x',
      `${PATH}:8:5 "database_url" is not a setting of a source. It holds for all sources: write it at the top.`,
    ],
    ['segment_host: x', `${PATH}:8:5 "segment_host" is not a setting of a source. Here it is host.`],
  ])('%s', (line, says) => {
    const [found, ...others] = problems({ yaml: withSource(line) });
    expect(found).toContain(says);
    expect(others).toEqual([]);
  });

  it('a key at the top', () => {
    expect(problems({ yaml: `redis_ulr: x\n${MINIMAL}` })).toEqual([
      `${PATH}:1:1 "redis_ulr" is not a setting. Did you mean redis_url?`,
    ]);
  });

  it('a key at the top that is one of a source', () => {
    expect(problems({ yaml: `write_key: wk\n${MINIMAL}` })).toEqual([
      `${PATH}:1:1 "write_key" is not a setting. Here it is segment_write_key.`,
    ]);
  });

  it('all at once, of the file, its sources and the environment', () => {
    const found = problems({
      yaml: withSource('lanes: 0\n  - merchant_id: x\n    write_key: wk').replace('redis_url', 'http_prot'),
      env: { LOG_LEVEL: 'loud' },
    });
    const about = ['"http_prot"', 'LOG_LEVEL', 'REDIS_URL', 'lanes', `${PATH}:9:5 name`, 'merchant_id'];
    expect(found).toHaveLength(about.length);
    for (const word of about) expect(found.some((line) => line.includes(word))).toBe(true);
  });

  it.each(['sources: []', 'sources: barn', 'sources: { name: barn }', 'sources:'])(
    '%s is no list of sources',
    (line) => {
      const yaml = MINIMAL.slice(0, MINIMAL.indexOf('sources:')) + line;
      expect(problems({ yaml })[0]).toMatch(/:4:1 sources must be a list with one entry for each source\.$/);
    },
  );

  it('a source without a name, with none that can be one, and with that of another', () => {
    const yaml = `${MINIMAL}  - { merchant_id: 1, write_key: a }
  - { name: Barn, merchant_id: 2, write_key: b }
  - { name: barn, merchant_id: 3, write_key: c }`;
    expect(problems({ yaml })).toEqual([
      `${PATH}:8:5 name is missing; queues, metrics and commands call the source by it.`,
      `${PATH}:9:7 name is "Barn"; it must be 1 to 40 of a–z, 0–9, _ and -.`,
      `${PATH}:10:5 name is "barn", as that of the source at ${PATH}:5:5; each needs a name of its own.`,
    ]);
  });

  it('two sources that would send everything twice', () => {
    const second = (lines: string): string => `${MINIMAL}  - { name: again, write_key: wk_barn, ${lines} }`;
    expect(problems({ yaml: second('merchant_id: 777777') })[0]).toContain('everything would be sent twice');
    expect(problems({ yaml: second('events: Referral, identify: off') })[0]).toContain(`${PATH}:8:5 again`);
    expect(problems({ yaml: second('merchant_id: 6') })).toEqual([]);
  });

  it('a group of sources with two limits', () => {
    const yaml = `${MINIMAL}    rate_limit_group: workspace
  - name: cellar
    merchant_id: 6
    write_key: wk_cellar
    rate_limit_group: workspace
    rate_limit_per_second: 50`;
    expect(problems({ yaml })).toEqual([
      `${PATH}:13:5 rate_limit_per_second is 50, and 1000 for barn of the same rate_limit_group workspace; a group shares one limit.`,
    ]);
  });

  it('a file that is not there, or no YAML, and then nothing of what is missing', () => {
    expect(problems({ env: { CONFIG_FILE: '/no/such' } })).toEqual([
      'CONFIG_FILE names a file that cannot be read (ENOENT).',
    ]);
    const found = problems({ yaml: 'database_url: "postgresql://c:hunter2@db/l\nredis_url: [r3disword' });
    expect(found).toEqual([
      `${PATH}:2:22 is not YAML (missing char): a quote, a bracket, a brace or a comma is missing before this place.`,
    ]);
  });

  it.each([
    [
      'a reference within braces',
      'sources:\n  - { name: a, write_key: ${KEY}, host: "http://x" }',
      ':2:28 is not YAML (unexpected token): put quotes around ${…} where it stands within braces or brackets.',
    ],
    [
      'a tab',
      'sources:\n\t- name: a',
      ':2:1 is not YAML (tab as indent): it is indented with a tab; use blanks.',
    ],
    ['a bad indent', 'log_level: info\n  http_port: 1\n redis_url: x\nsources:\n - a', ''],
  ])('of %s nothing but the first place, and what to do', (_what, yaml, says) => {
    const found = problems({ yaml });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${PATH}${says}`);
  });

  it('the same key twice', () => {
    expect(problems({ yaml: `${MINIMAL}redis_url: redis://other` })[0]).toMatch(
      /:8:1 is not YAML \(duplicate key\)/,
    );
  });
});

it('no secret is told, whatever is wrong with it', () => {
  const yaml = `
database_url: hunter2
redis_url: file:/hunter2/missing
card_number_hash_key: short-hunter2
sources:
  - name: barn
    write_key: "hunter2 with blanks"
  - name: cellar
    write_key: [hunter2, {a: hunter2}]
`;
  const found = problems({ yaml });
  expect(found).toHaveLength(5);
  expect(found.join('\n')).not.toContain('hunter2');
});

it('the schema for editors knows the keys that are taken, and no others', () => {
  const valid = new Ajv({ strict: false }).compile(settingsFileSchema());
  const taken = `${MINIMAL}    events: [Check-In, pos_activity]\n    lanes: 2\n    identify: off`;
  expect(problems({ yaml: taken })).toEqual([]);
  expect(valid(parseYaml(taken)), JSON.stringify(valid.errors)).toBe(true);
  for (const wrong of [withSource('event: x'), `redis_ulr: x\n${MINIMAL}`, `${MINIMAL}  - lanes: 1`]) {
    expect(problems({ yaml: wrong })).not.toEqual([]);
    expect(valid(parseYaml(wrong))).toBe(false);
  }
});
