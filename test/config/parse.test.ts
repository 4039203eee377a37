import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig, type Use } from '../../src/config/parse.js';
import type { Environment } from '../../src/config/environment.js';
import { ConnectorError } from '../../src/errors/connector-error.js';

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const files: Record<string, string> = {
  '/run/secrets/key': '  wk_from_file\n',
  '/run/secrets/empty': ' \n',
  '/tls/ca.pem': PEM,
  '/tls/cert.pem': PEM,
  '/tls/key.pem': PEM,
  '/tls/not.pem': 'hello',
};

function readFile(path: string): string {
  const text = files[path];
  if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
  return text;
}

const minimal = {
  DATABASE_URL: 'postgresql://connector:hunter2@db:5432/loyalty',
  REDIS_URL: 'redis://:r3disword@redis:6379/0',
  SEGMENT_WRITE_KEY: 'wk_s3cret',
};

function parse(env: Environment = {}, use: Use = { command: 'run' }) {
  return parseConfig({ ...minimal, ...env }, use, { readFile });
}

/** The problems, as the operator reads them. */
function problems(env: Environment, use: Use = { command: 'run' }): string[] {
  try {
    parseConfig(env, use, { readFile });
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    expect(error.code).toBe('CONFIG_INVALID');
    return error.message.split('\n  - ').slice(1);
  }
  return [];
}

const problemsOf = (env: Environment, use?: Use): string[] => problems({ ...minimal, ...env }, use);

describe('defaults', () => {
  it('three addresses are enough, and everything else is as documented', () => {
    expect(parse()).toEqual({
      role: 'all',
      postgres: {
        url: 'postgresql://connector:hunter2@db:5432/loyalty',
        tls: { mode: 'disable', ca: null, cert: null, key: null },
      },
      redis: { url: 'redis://:r3disword@redis:6379/0', tls: null },
      capture: {
        slotName: 'paytronix_segment',
        publicationName: 'paytronix_segment',
        transactionMemoryBytes: 64 * 1024 ** 2,
        spillDir: join(tmpdir(), 'paytronix-segment'),
        cacheAccounts: 50_000,
        replayMaxWalBytes: 4 * 1024 ** 3,
        replayRetentionMs: 6 * 3_600_000,
      },
      queue: { prefix: 'paytronix' },
      mapping: { zone: null, feeds: null, rows: [], customEvents: [], asked: new Set() },
      suppression: { file: null, table: null, tableRefreshMs: 60_000 },
      sources: [
        {
          lanes: 1,
          budgetBytes: 1024 ** 3,
          settings: {
            name: 'default',
            merchantIds: null,
            events: new Set([
              'Loyalty Registration',
              'Web Registration',
              'Check-In',
              'Identify Customer',
              'POS Activity',
              'Add/Redeem',
              'Recharge Value',
              'Referral',
              'Survey Completion',
            ]),
            customEvents: new Set(),
            identify: true,
            traits: new Set(),
            userId: { strategy: 'account_id', prefix: '' },
            cardNumber: { mode: 'FULL', hashKey: null },
            wallets: 'all',
            privacy: null,
            emitVoids: false,
            surveyAnswers: false,
            enabledFromUs: 0,
          },
          delivery: {
            name: 'default',
            writeKey: 'wk_s3cret',
            host: 'https://api.segment.io',
            client: 'batch',
            oauth: null,
            rateLimitPerSecond: 1000,
            rateLimitGroup: null,
            lanes: 1,
            requestTimeoutMs: 15_000,
            paused: false,
          },
        },
      ],
      http: { host: '127.0.0.1', port: 8080 },
      logLevel: 'info',
      shutdownGraceMs: 25_000,
    });
  });

  it('a suppression list is named by a path, which is not read here, and by a column as the catalogue calls it', () => {
    expect(
      parse({
        SUPPRESSION_FILE: '/etc/no-such-file',
        SUPPRESSION_TABLE: 'public.OptedOut.guest_id',
        SUPPRESSION_TABLE_REFRESH: '5m',
      }).suppression,
    ).toEqual({
      file: '/etc/no-such-file',
      table: { schema: 'public', table: 'OptedOut', column: 'guest_id' },
      tableRefreshMs: 300_000,
    });
    for (const text of ['opted_out', 'public.opted_out', 'a.b.c.d', '"public"."a"."b"', 'public.a b.c']) {
      expect(problemsOf({ SUPPRESSION_TABLE: text })).toEqual([
        `SUPPRESSION_TABLE is ${JSON.stringify(text)}; it must be schema, table and column, such as public.opted_out.guest_id, without quotes.`,
      ]);
    }
    expect(problemsOf({ SUPPRESSION_FIEL: '/etc/list' })).toEqual([
      'SUPPRESSION_FIEL is not an option. Did you mean SUPPRESSION_FILE?',
    ]);
  });

  it('a variable set to nothing counts as unset', () => {
    expect(parse({ RATE_LIMIT_PER_SECOND: '', HTTP_PORT: '  ' })).toEqual(parse());
  });
});

describe('what must be set depends on what runs', () => {
  it.each<[Use, string[]]>([
    [{ command: 'run' }, ['DATABASE_URL', 'REDIS_URL', 'SEGMENT_WRITE_KEY']],
    [{ command: 'run', role: 'capture' }, ['DATABASE_URL', 'REDIS_URL']],
    [{ command: 'run', role: 'deliver' }, ['REDIS_URL', 'SEGMENT_WRITE_KEY']],
    [{ command: 'setup' }, ['DATABASE_URL']],
    [{ command: 'check' }, []],
    [{ command: 'print' }, []],
    [{ command: 'demo' }, []],
    [{ command: 'demo', role: 'deliver' }, ['SEGMENT_WRITE_KEY']],
  ])('%j needs %j', (use, needed) => {
    const named = problems({}, use).map((line) => line.split(' ')[0]);
    expect(named).toEqual(needed);
  });

  it('deliver runs without a database, capture without a write key', () => {
    const { REDIS_URL, SEGMENT_WRITE_KEY, DATABASE_URL } = minimal;
    expect(
      parseConfig({ REDIS_URL, SEGMENT_WRITE_KEY }, { command: 'run', role: 'deliver' }).postgres,
    ).toBeNull();
    expect(
      parseConfig({ REDIS_URL, DATABASE_URL }, { command: 'run', role: 'capture' }).sources[0].delivery,
    ).toBeNull();
  });
});

describe('every problem is reported at once, in words', () => {
  it('names each variable with what is wrong and what would be right', () => {
    expect(
      problems({
        REDIS_URL: 'http://redis',
        SEGMENT_WRITE_KEY: 'wk',
        RATE_LIMIT_PER_SECOND: 'fast',
        CARD_NUMBER: 'MASKD',
        EVENTS: 'POS Activty, check_in',
        IDENTIFY: 'perhaps',
        SHUTDOWN_GRACE: '25',
        LANE: '4',
      }),
    ).toEqual([
      'REDIS_URL begins with "http:"; it must begin with redis:// or rediss://.',
      'RATE_LIMIT_PER_SECOND is "fast"; it must be a whole number, 1 to 100000.',
      'EVENTS "POS Activty" is no event. Did you mean POS Activity? Events: Loyalty Registration, Web Registration, Check-In, Identify Customer, POS Activity, Add/Redeem, Recharge Value, Referral, Survey Completion.',
      'IDENTIFY is "perhaps"; it must be on or off.',
      'CARD_NUMBER is "MASKD"; it must be one of FULL, MASKED, HASHED. Did you mean MASKED?',
      'SHUTDOWN_GRACE is "25"; it must be a duration with its unit, 0ms to 1h.',
      'LANE is not an option. Did you mean LANES?',
      'DATABASE_URL is not set; it names the loyalty database (DATABASE_URL_FILE may name a file instead).',
    ]);
  });

  it.each<[Environment, string]>([
    [{ HTTP_PORT: '65536' }, 'HTTP_PORT is "65536"; it must be a whole number, 0 to 65535.'],
    [{ HTTP_PORT: '-1' }, 'HTTP_PORT is "-1"'],
    [{ HTTP_PORT: '80.5' }, 'HTTP_PORT is "80.5"'],
    [{ LANES: '0' }, 'LANES is "0"'],
    [{ SLOT_NAME: 'Bad-Slot' }, 'SLOT_NAME is "Bad-Slot"; it must be 1 to 56 of a–z, 0–9 and _.'],
    [
      { TRANSACTION_MEMORY: '64' },
      'TRANSACTION_MEMORY is "64"; it must be a size with its unit, 1MiB to 4GiB.',
    ],
    [{ TRANSACTION_MEMORY: '9GiB' }, 'TRANSACTION_MEMORY is "9GiB"'],
    [{ REQUEST_TIMEOUT: '1h' }, 'REQUEST_TIMEOUT is "1h"; it must be a duration with its unit, 100ms to 5m.'],
    [{ MERCHANT_ID: '077' }, 'MERCHANT_ID is "077"'],
    [{ SEGMENT_HOST: 'api.segment.io' }, 'Did you mean https://api.segment.io?'],
    [{ SEGMENT_HOST: 'http://api.segment.io' }, 'SEGMENT_HOST must begin with https://'],
    [{ SEGMENT_HOST: 'https://api.segment.io/v1/batch' }, 'give that alone ("https://api.segment.io")'],
    [{ SEGMENT_HOST: 'https://wk@api.segment.io' }, 'SEGMENT_HOST holds a user name'],
    [{ SEGMENT_CLIENT: 'btach' }, 'Did you mean batch?'],
    [{ LOG_LEVEL: 'verbose' }, 'LOG_LEVEL is "verbose"'],
    [{ ENABLED_FROM: '2026-01-31' }, 'ENABLED_FROM is "2026-01-31"; it must be a time with its zone'],
    [{ ENABLED_FROM: '2026-13-31T00:00:00Z' }, 'ENABLED_FROM is'],
    [{ SPILL_DIR: 'spill' }, 'SPILL_DIR is "spill"; it must be an absolute path.'],
    [{ USER_ID: 'guest' }, 'USER_ID is "guest"; it must be one of'],
    [{ CARD_NUMBER: 'HASHED' }, 'CARD_NUMBER_HASH_KEY is not set; CARD_NUMBER=HASHED needs it.'],
    [
      { CARD_NUMBER: 'MASKED', USER_ID: 'printed_card_number' },
      'USER_ID is printed_card_number, but CARD_NUMBER=MASKED leaves six digits of it, which many guests share; use HASHED, or another USER_ID.',
    ],
    [
      { PRIVACY: 'printed_card_number=drop', USER_ID: 'printed_card_number' },
      'USER_ID is printed_card_number, which is sent whole as the userId, but PRIVACY hides that property; use CARD_NUMBER=HASHED, or another USER_ID.',
    ],
    [{ DATABASE_URL: 'mysql://db/x' }, 'DATABASE_URL begins with "mysql:"'],
    [{ DATABASE_URL: 'postgresql://db/x?sslmode=prefer' }, 'DATABASE_URL has an sslmode that does not say'],
    [
      { DATABASE_URL: 'postgresql://db/x?sslrootcert=/ca' },
      'DATABASE_URL has sslrootcert; use DATABASE_TLS_CA_FILE',
    ],
    [{ DATABASE_TLS_CA_FILE: '/tls/ca.pem' }, 'DATABASE_TLS_MODE is disable'],
    [
      { DATABASE_TLS_MODE: 'require', DATABASE_TLS_CERT_FILE: '/tls/cert.pem' },
      'DATABASE_TLS_KEY_FILE is not set',
    ],
    [{ DATABASE_TLS_CA_FILE: '/tls/not.pem' }, 'DATABASE_TLS_CA_FILE holds no PEM block'],
    [
      { REDIS_TLS_CA_FILE: '/tls/ca.pem' },
      'REDIS_URL begins with redis://, so the REDIS_TLS files are not used',
    ],
    [{ SEGMENT_OAUTH_CLIENT_ID: 'x' }, 'SEGMENT_OAUTH_KEY_ID is not set'],
    [
      { SEGMENT_WRITE_KEY_FILE: '/run/secrets/key' },
      'SEGMENT_WRITE_KEY is set together with SEGMENT_WRITE_KEY_FILE',
    ],
  ])('%j', (env, expected) => {
    expect(problemsOf(env).join('\n')).toContain(expected);
  });

  it('reads 70 letters of a wrong value no further: it may have been pasted', () => {
    expect(problemsOf({ HTTP_PORT: 'x'.repeat(500) })[0]).toHaveLength(
      `HTTP_PORT is "${'x'.repeat(60)}…"; it must be a whole number, 0 to 65535.`.length,
    );
  });
});

describe('variables that look meant for the connector', () => {
  it.each([
    ['SEGMENT_WRITEKEY', 'SEGMENT_WRITE_KEY'],
    ['SEGMENT_WRITE_KEY_FLIE', 'SEGMENT_WRITE_KEY_FILE'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['REDIS_ULR', 'REDIS_URL'],
    ['RATE_LIMIT_PER_SECONDS', 'RATE_LIMIT_PER_SECOND'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['EVENT', 'EVENTS'],
    ['CARD_NUMBER_MODE', 'CARD_NUMBER'],
  ])('%s is refused with %s', (variable, meant) => {
    expect(problemsOf({ [variable]: 'x' })).toEqual([`${variable} is not an option. Did you mean ${meant}?`]);
  });

  it('leaves other programs’ variables alone', () => {
    const others = {
      PATH: '/bin',
      HOME: '/root',
      LANG: 'C.UTF-8',
      LINES: '40',
      USER: 'me',
      HTTP_PROXY: 'http://proxy',
      PGPASSWORD: 'x',
      NODE_ENV: 'production',
      REDIS_PORT: 'tcp://10.0.0.1:6379',
      REDIS_SERVICE_HOST: '10.0.0.1',
      SEGMENT_CONNECTOR_SERVICE_PORT_HTTP: '8080',
      SEGMENT_CONNECTOR_PORT_8080_TCP_ADDR: '10.0.0.2',
    };
    expect(problemsOf(others)).toEqual([]);
  });
});

describe('secrets', () => {
  it('are read from the file a _FILE variable names, without the line end', () => {
    const config = parse({ SEGMENT_WRITE_KEY: undefined, SEGMENT_WRITE_KEY_FILE: '/run/secrets/key' });
    expect(config.sources[0].delivery?.writeKey).toBe('wk_from_file');
  });

  it.each([
    ['/nowhere', 'SEGMENT_WRITE_KEY_FILE names a file that cannot be read (ENOENT).'],
    ['/run/secrets/empty', 'SEGMENT_WRITE_KEY_FILE names an empty file.'],
  ])('%s is one problem, not two', (path, expected) => {
    expect(problemsOf({ SEGMENT_WRITE_KEY: undefined, SEGMENT_WRITE_KEY_FILE: path })).toEqual([expected]);
  });

  it.each<Environment>([
    { DATABASE_URL: 'postgres//connector:topsecret@db/x' },
    { DATABASE_URL: 'mysql://connector:topsecret@db/x' },
    { REDIS_URL: 'topsecret' },
    { REDIS_URL: 'http://:topsecret@redis' },
    { SEGMENT_WRITE_KEY: 'topsecret with blanks' },
    { SEGMENT_WRITE_KEY: 'topsecret:' },
    { CARD_NUMBER: 'HASHED', CARD_NUMBER_HASH_KEY: 'topsecret' },
    { SEGMENT_HOST: 'https://topsecret@api.segment.io' },
  ])('are never printed: problem %#', (env) => {
    const found = problemsOf(env);
    expect(found).toHaveLength(1);
    expect(found.join()).not.toContain('topsecret');
  });
});

describe('connections', () => {
  it.each([
    ['', 'disable'],
    ['?sslmode=disable', 'disable'],
    ['?sslmode=require', 'require'],
    ['?sslmode=verify-ca', 'verify-full'],
    ['?sslmode=verify-full', 'verify-full'],
  ])('sslmode of the URL decides unless DATABASE_TLS_MODE does: %s → %s', (query, mode) => {
    const postgres = parse({ DATABASE_URL: `postgresql://u:p@db/x${query}` }).postgres;
    expect(postgres).toMatchObject({ url: 'postgresql://u:p@db/x', tls: { mode } });
  });

  it('DATABASE_TLS_MODE wins over the URL, and files are handed on as text', () => {
    const config = parse({
      DATABASE_URL: 'postgresql://u:p@db/x?sslmode=require&application_name=me',
      DATABASE_TLS_MODE: 'verify-full',
      DATABASE_TLS_CA_FILE: '/tls/ca.pem',
    });
    expect(config.postgres).toEqual({
      url: 'postgresql://u:p@db/x?application_name=me',
      tls: { mode: 'verify-full', ca: PEM.trim(), cert: null, key: null },
    });
  });

  it('rediss:// is always verified', () => {
    expect(parse({ REDIS_URL: 'rediss://redis:6380', REDIS_TLS_CA_FILE: '/tls/ca.pem' }).redis).toEqual({
      url: 'rediss://redis:6380',
      tls: { mode: 'verify-full', ca: PEM.trim(), cert: null, key: null },
    });
  });
});

describe('the source', () => {
  it('is named after its merchant', () => {
    const config = parse({ MERCHANT_ID: '777777' });
    expect(config.sources[0].settings).toMatchObject({
      name: 'merchant-777777',
      merchantIds: new Set(['777777']),
    });
    expect(config.sources[0].delivery?.name).toBe('merchant-777777');
  });

  it('takes events by name or slug, in any case', () => {
    const { events } = parse({ EVENTS: 'pos_activity, Check-In,add/redeem, WEB REGISTRATION' }).sources[0]
      .settings;
    expect([...events]).toEqual(['POS Activity', 'Check-In', 'Add/Redeem', 'Web Registration']);
  });

  it('goes through the SDK when OAuth is configured', () => {
    const oauth = {
      SEGMENT_OAUTH_CLIENT_ID: 'c',
      SEGMENT_OAUTH_KEY_ID: 'k',
      SEGMENT_OAUTH_KEY_FILE: '/tls/key.pem',
    };
    expect(parse(oauth).sources[0].delivery).toMatchObject({
      client: 'sdk',
      oauth: { clientId: 'c', keyId: 'k' },
    });
    expect(problemsOf({ ...oauth, SEGMENT_CLIENT: 'batch' })[0]).toContain('OAuth goes through the SDK');
  });

  it('reads units: times to microseconds, sizes to bytes, durations to milliseconds', () => {
    const config = parse({
      ENABLED_FROM: '2026-01-31T01:00:00+01:00',
      TRANSACTION_MEMORY: '16MB',
      SHUTDOWN_GRACE: '2m',
      REQUEST_TIMEOUT: '1500ms',
    });
    expect(config.sources[0].settings.enabledFromUs).toBe(1_769_817_600_000_000);
    expect(config.capture.transactionMemoryBytes).toBe(16 * 1024 ** 2);
    expect(config.shutdownGraceMs).toBe(120_000);
    expect(config.sources[0].delivery?.requestTimeoutMs).toBe(1500);
  });

  it('takes plain http only for this machine', () => {
    expect(parse({ SEGMENT_HOST: 'http://127.0.0.1:4000/' }).sources[0].delivery?.host).toBe(
      'http://127.0.0.1:4000',
    );
  });
});

it.each([
  ['all', 'all'],
  [' Visible', 'visible'],
  ['3, 11', new Set(['3', '11'])],
])('WALLETS=%s', (text, wallets) => {
  const env = {
    DATABASE_URL: 'postgresql://c@db/x',
    REDIS_URL: 'redis://r',
    SEGMENT_WRITE_KEY: 'k',
    WALLETS: text,
  };
  expect(parseConfig(env, { command: 'run' }).sources[0].settings.wallets).toEqual(wallets);
});

it.each(['3,,11', 'points and more', '3;11 20'])('WALLETS=%s is refused in words', (text) => {
  const env = {
    DATABASE_URL: 'postgresql://c@db/x',
    REDIS_URL: 'redis://r',
    SEGMENT_WRITE_KEY: 'k',
    WALLETS: text,
  };
  expect(() => parseConfig(env, { command: 'run' })).toThrow(
    'which is no wallet code; write all, visible, or codes',
  );
});
