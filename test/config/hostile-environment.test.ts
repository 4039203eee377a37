import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.js';
import type { Environment } from '../../src/config/environment.js';
import { variablesOf } from '../../src/config/environment.js';
import { OPTION_NAMES, OPTIONS, type OptionName } from '../../src/config/options.js';
import type { OptionSpec } from '../../src/config/option.js';
import { parseConfig, type Use } from '../../src/config/parse.js';
import { ConnectorError } from '../../src/errors/connector-error.js';
import { clientConfig } from '../../src/postgres/connection.js';
import { redisOptions } from '../../src/queue/redis.js';
import { invoke } from '../cli/invoke.js';
import { fuzzTimeoutMs, runs } from '../support/fuzz-runs.js';

let directory: string;
const file = (name: string): string => join(directory, name);

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hostile-config-'));
  mkdirSync(file('directory'));
  writeFileSync(file('empty'), ' \n');
  writeFileSync(file('key'), 'wk_from_file\n');
  writeFileSync(file('bom'), '\uFEFFwk_from_file\r\n');
  writeFileSync(file('binary'), Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3]));
  writeFileSync(file('zeros'), 'key\0key');
  writeFileSync(file('huge'), 'k'.repeat(3 * 1024 ** 2));
  writeFileSync(file('pem'), '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
  writeFileSync(file('locked'), 'key', { mode: 0o000 });
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const FILES = [
  'directory',
  'empty',
  'key',
  'bom',
  'binary',
  'zeros',
  'huge',
  'pem',
  'locked',
  'missing',
  'key/below',
];

type Outcome =
  | { readonly tag: 'config'; readonly config: Config }
  | { readonly tag: 'error'; readonly error: ConnectorError };

/** @throws whatever is neither a configuration nor a refusal of it */
function outcomeOf(env: Environment, use: Use): Outcome {
  try {
    return { tag: 'config', config: parseConfig(env, use) };
  } catch (error) {
    if (error instanceof ConnectorError && error.code === 'CONFIG_INVALID') return { tag: 'error', error };
    throw error;
  }
}

/** What is done first with a configuration must not fail for reasons that it should have been refused for. */
function isUsable({ postgres, redis }: Config): void {
  if (postgres !== null) new pg.Client(clientConfig(postgres));
  if (redis !== null) redisOptions({ settings: redis, use: 'worker', onError: () => undefined });
}

const long = fc.constantFrom('x', 'é', ',', ' a', '%', '-').map((part) => part.repeat(60_000));
const urls = fc
  .tuple(
    fc.constantFrom('postgres', 'postgresql', 'redis', 'rediss', 'http', 'https', 'mysql', ''),
    fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom('u:p@', ':p%zz@', 'u:%ff@', '@', 'u:p@@', '%@', ':%2F@'),
    ),
    fc.oneof(fc.domain(), fc.constantFrom('', '[::1]', '127.0.0.1', 'h:70000', '%zz', 'h:0')),
    fc.oneof(fc.webPath(), fc.string({ maxLength: 8 }), fc.constantFrom('/%ff', '/a%zz', '/0', '/loyalty')),
    fc.constantFrom(
      '',
      '?sslmode=prefer',
      '?sslfoo=1',
      '?sentinel_master=m&sentinels=a b,c:1',
      '?sentinels=x@y,%zz',
      '?host=/tmp',
      '?%ff=%ff',
      '#x',
    ),
  )
  .map(([protocol, user, host, path, query]) => `${protocol}://${user}${host}${path}${query}`);
const value: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: urls },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  fc.string({ maxLength: 30 }),
  long,
  fc.constantFrom(
    '',
    ' ',
    '0',
    '-1',
    '1e3',
    'on',
    'off',
    'all',
    'batch',
    'sdk',
    'HASHED',
    'MASKED',
    '25s',
    '64MiB',
    '99999999999999999999',
  ),
  fc.constantFrom(
    '2026-02-30T00:00:00Z',
    '2026-01-31T00:00:00Z',
    'pos_activity',
    'printed_card_number',
    '\uD800',
    'Ω≈ç√',
    '\u202Eevil',
    '\u007f\u009b2J',
  ),
  fc.constantFrom(...FILES).map((name) => `file:${name}`),
  fc.constantFrom('/dev/zero', '/dev/null', '/proc/self/environ', '/', '.', 'a\0b'),
);

const variables = OPTION_NAMES.flatMap((name) => variablesOf(name));
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...variables) },
  // Letters swapped, lost and doubled.
  fc
    .tuple(fc.constantFrom(...variables), fc.nat(30), fc.constantFrom('lost', 'doubled', 'lower'))
    .map(([of, at, how]) => {
      const i = at % of.length;
      if (how === 'lower') return of.toLowerCase();
      return how === 'lost' ? of.slice(0, i) + of.slice(i + 1) : of.slice(0, i) + (of[i] ?? '') + of.slice(i);
    }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'SEGMENT_',
    'SEGMENT_\n  - X is fine',
    'USER_ID_\u001b[2J',
    'S'.repeat(50_000),
  ),
  long.map((text) => `SEGMENT_${text}`),
);
const environment = fc
  .array(fc.tuple(name, value), { maxLength: 12 })
  .map((entries): Environment =>
    Object.fromEntries(
      entries.map(([key, text]) => [key, text.startsWith('file:') ? file(text.slice(5)) : text]),
    ),
  );
const use: fc.Arbitrary<Use> = fc.record({
  command: fc.constantFrom('run', 'setup', 'print', 'check', 'demo', 'preview'),
  role: fc.constantFrom('all', 'capture', 'deliver'),
});

describe('any environment', () => {
  test('is a configuration that can be used, or is refused in words, one line a problem, each with its variable', () => {
    fc.assert(
      fc.property(environment, use, (env, how) => {
        const outcome = outcomeOf(env, how);
        if (outcome.tag === 'config') {
          isUsable(outcome.config);
          return;
        }
        const { message, facts } = outcome.error;
        const [head, ...lines] = message.split('\n');
        expect(head).toMatch(/^the configuration has (a problem|\d+ problems):$/);
        expect(lines).toHaveLength(Number(facts['problems']));
        for (const line of lines) {
          expect(line).toMatch(/^ {2}- \S/);
          expect(line.length).toBeLessThan(1_000);
          // Nothing that moves the cursor of whoever reads it.
          expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        }
        const named = String(facts['variables']);
        const set = Object.entries(env).filter(([, text]) => text?.trim() !== '');
        for (const [variable] of set) {
          const known = (variables as readonly string[]).includes(variable);
          if (known && lines.some((line) => line.startsWith(`  - ${variable} `)))
            expect(named.split(',')).toContain(variable);
        }
      }),
      { ...runs(400), interruptAfterTimeLimit: fuzzTimeoutMs(15_000) },
    );
  });

  test('of which one variable is wrong names exactly that one', () => {
    const minimal = {
      DATABASE_URL: 'postgresql://c:p@db/x',
      REDIS_URL: 'redis://redis',
      SEGMENT_WRITE_KEY: 'wk',
    };
    const wrong = '\u0000';
    const own = OPTION_NAMES.filter((option) => option !== 'SPILL_DIR');
    for (const option of own) {
      const outcome = outcomeOf({ ...minimal, [option]: wrong }, { command: 'run' });
      if (outcome.tag === 'config') throw new Error(`${option} takes a zero byte`);
      expect(String(outcome.error.facts['variables'])).toBe(option);
    }
  });
});

describe('a file behind a variable', () => {
  const minimal = { DATABASE_URL: 'postgresql://c:p@db/x', REDIS_URL: 'redis://redis' };
  const problem = (name: string): string => {
    const path = name.startsWith('/') ? name : file(name);
    const outcome = outcomeOf({ ...minimal, SEGMENT_WRITE_KEY_FILE: path }, { command: 'run' });
    return outcome.tag === 'config'
      ? `key ${outcome.config.sources[0].delivery?.writeKey ?? ''}`
      : (outcome.error.message.split('\n')[1] ?? '');
  };

  test.each([
    ['key', 'key wk_from_file'],
    ['bom', 'key wk_from_file'],
    ['directory', 'names a file that cannot be read (EISDIR).'],
    ['missing', 'names a file that cannot be read (ENOENT).'],
    ['key/below', 'names a file that cannot be read (ENOTDIR).'],
    ['binary', 'names a file that cannot be read (not text).'],
    ['zeros', 'names a file that cannot be read (not text).'],
    ['huge', 'names a file that cannot be read (more than 1 MiB).'],
    ['/dev/zero', 'names a file that cannot be read (more than 1 MiB).'],
    ['/dev/null', 'names an empty file.'],
    ['empty', 'names an empty file.'],
  ])('%s: %s', (name, expected) => {
    expect(problem(name)).toContain(expected);
  });

  test('may be a pipe', () => {
    const script = `import { readTextFile } from './src/config/text-file.ts'; process.stdout.write(readTextFile('/dev/stdin'));`;
    const piped = 'echo wk_piped | "$0" --import tsx --input-type=module -e "$1"';
    const out = execFileSync('sh', ['-c', piped, process.execPath, script]);
    expect(out.toString()).toBe('wk_piped\n');
  });
});

describe('a secret', () => {
  const isSecret = (option: OptionName): boolean => (OPTIONS[option] as OptionSpec).secret === true;
  /** Long and odd enough not to stand in a message by chance. */
  const secret = fc
    .tuple(
      fc.string({
        unit: fc.constantFrom(
          'q',
          'Z',
          '7',
          'x',
          '$',
          '!',
          '-',
          '/',
          ':',
          '%',
          '?',
          '#',
          '&',
          '=',
          '+',
          'é',
          ' ',
        ),
        minLength: 0,
        maxLength: 20,
      }),
      fc.stringMatching(/^[qzx7]{12}$/),
    )
    .map(([odd, plain]) => ({
      text: `${plain.slice(0, 6)}${odd}${plain.slice(6)}`,
      parts: [plain.slice(0, 6), plain.slice(6)],
    }));

  const places: readonly ((text: string) => Environment)[] = [
    (text) => ({ DATABASE_URL: `postgresql://c:${text}@db.internal/x` }),
    (text) => ({ DATABASE_URL: `postgresql://c:${encodeURIComponent(text)}@db.internal/x?sslmode=prefer` }),
    (text) => ({ DATABASE_URL: `postgresql:/c:${text}@db.internal/x` }),
    (text) => ({ DATABASE_URL: `c:${text}@db.internal/x` }),
    (text) => ({ DATABASE_URL: `mysql://c:${text}@db.internal/x` }),
    (text) => ({ DATABASE_URL: text }),
    (text) => ({ DATABASE_URL: `${text}:x` }),
    (text) => ({ DATABASE_URL: `postgresql://u:1?ssl${text}@db.internal/x` }),
    (text) => ({ DATABASE_URL_FILE: text }),
    (text) => ({ REDIS_URL: `redis://:${text}@redis.internal` }),
    (text) => ({
      REDIS_URL: `redis://:${encodeURIComponent(text)}@s1?sentinel_master=m&sentinels=${text}@s2`,
    }),
    (text) => ({ REDIS_URL: `${text}@redis.internal:6379` }),
    (text) => ({ REDIS_URL_FILE: text }),
    (text) => ({ SEGMENT_WRITE_KEY: text }),
    (text) => ({ SEGMENT_WRITE_KEY: `${text} ${text}` }),
    (text) => ({ SEGMENT_WRITE_KEY_FILE: text }),
    (text) => ({ SEGMENT_WRITE_KEY_FILE: `/${text}` }),
    (text) => ({ SEGMENT_HOST: `https://${text}@api.segment.io` }),
    (text) => ({ SEGMENT_HOST: `${text}@api.segment.io` }),
    (text) => ({ SEGMENT_HOST: `https://api.segment.io/?writeKey=${text}` }),
    (text) => ({ CARD_NUMBER: 'HASHED', CARD_NUMBER_HASH_KEY: text.slice(0, 15) }),
    (text) => ({ CARD_NUMBER: 'HASHED', CARD_NUMBER_HASH_KEY: `${text}\n`.repeat(50) }),
    (text) => ({ CARD_NUMBER: 'HASHED', CARD_NUMBER_HASH_KEY_FILE: text }),
    (text) => ({ SEGMENT_OAUTH_KEY_FILE: `-----BEGIN ${text}` }),
    (text) => ({ DATABASE_TLS_KEY_FILE: text }),
  ];
  const place = fc.constantFrom(...places);

  test('is in no message, whatever is wrong with it or beside it, whole or in part', () => {
    const other = fc.constantFrom<Environment>(
      {},
      { LANES: 'x' },
      { SEGMENT_KEY: 'x' },
      { DATABASE_TLS_CA_FILE: '/nowhere' },
    );
    fc.assert(
      fc.property(
        secret,
        fc.array(place, { minLength: 1, maxLength: 4 }),
        other,
        use,
        ({ text, parts }, all, beside, how) => {
          const env = Object.assign({}, ...all.map((put) => put(text)), beside) as Environment;
          const outcome = outcomeOf(env, how);
          if (outcome.tag === 'config') return;
          const { error } = outcome;
          const told = [error.message, error.stack, JSON.stringify(error.facts), String(error.cause)].join(
            '\n',
          );
          for (const part of parts) expect(told).not.toContain(part);
        },
      ),
      runs(1_000),
    );
  });

  test('of every secret option is never quoted', () => {
    for (const option of OPTION_NAMES.filter(isSecret)) {
      for (const variable of variablesOf(option)) {
        const outcome = outcomeOf({ [variable]: 'zzqqxx777zzqqxx' }, { command: 'run' });
        if (outcome.tag === 'error') expect(outcome.error.message).not.toContain('zzqqxx777');
      }
    }
  });

  test.each(['check', 'setup', 'run', 'run --role deliver'])(
    'is in no line that %s prints or logs while nothing it needs can be reached',
    async (command) => {
      const plain = fc.stringMatching(/^[qzx7]{16}$/);
      await fc.assert(
        fc.asyncProperty(plain, plain, plain, async (one, two, key) => {
          const stop = new AbortController();
          let lines = 0;
          const { out, err } = await invoke(
            command.split(' '),
            {
              DATABASE_URL: `postgresql://c:${one}@127.0.0.1:1/x`,
              // `check` waits five seconds for one that does not answer.
              REDIS_URL: command === 'check' ? undefined : `redis://:${two}@127.0.0.1:1`,
              SEGMENT_WRITE_KEY: key,
              SEGMENT_HOST: 'http://127.0.0.1:1',
              CARD_NUMBER: 'HASHED',
              CARD_NUMBER_HASH_KEY: `${key}${one}`,
              HTTP_PORT: '0',
              LOG_LEVEL: 'trace',
              SHUTDOWN_GRACE: '100ms',
            },
            {
              signal: stop.signal,
              // The starting lines, and the first that say what it waits for.
              write: () => {
                lines += 1;
                if (lines >= 5) stop.abort();
              },
            },
          );
          expect(out + err).not.toBe('');
          for (const hidden of [one, two, key]) {
            expect(out + err).not.toContain(hidden);
            expect(out + err).not.toContain(Buffer.from(`${hidden}:`).toString('base64').slice(0, -4));
          }
        }),
        { ...runs(1), endOnFailure: true },
      );
    },
    fuzzTimeoutMs(30_000),
  );
});
