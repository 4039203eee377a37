import type { PostgresSettings, RedisSettings, TlsSettings } from './config.js';
import type { Problem } from './environment.js';
import type { OptionValues } from './options.js';

export function redisSettings(values: OptionValues, problems: Problem[]): RedisSettings | null {
  if (values.REDIS_URL === null) return null;
  const url = values.REDIS_URL.href;
  const [ca, cert, key] = [values.REDIS_TLS_CA_FILE, values.REDIS_TLS_CERT_FILE, values.REDIS_TLS_KEY_FILE];
  pairUp('REDIS_TLS', cert, key, problems);
  const sentinels = values.REDIS_URL.searchParams.get('sentinels')?.split(',') ?? [];
  if (!sentinels.every((text) => text === '' || isAddress(text))) {
    problems.push({
      variable: 'REDIS_URL',
      says: 'has a sentinel that is no host:port; write them as sentinels=s2:26379,s3:26379.',
    });
  }
  if (values.REDIS_URL.protocol === 'rediss:') return { url, tls: { mode: 'verify-full', ca, cert, key } };
  if (ca !== null || cert !== null || key !== null) {
    problems.push({
      variable: 'REDIS_URL',
      says: 'begins with redis://, so the REDIS_TLS files are not used; write rediss://.',
    });
  }
  return { url, tls: null };
}

function isAddress(text: string): boolean {
  return /^[^\s/@?#]+$/.test(text) && URL.canParse(`redis://${text}`);
}

function pairUp(prefix: string, cert: string | null, key: string | null, problems: Problem[]): void {
  if ((cert === null) === (key === null)) return;
  const absent = cert === null ? 'CERT' : 'KEY';
  const variable = `${prefix}_${absent}_FILE`;
  if (problems.some((problem) => problem.variable === variable)) return;
  problems.push({
    variable,
    says: 'is not set; a client certificate needs its key, and the other way round.',
  });
}

/** libpq's modes that have an equal here; `verify-ca` gets the stricter neighbour. */
const MODE_OF_SSLMODE: Readonly<Record<string, TlsSettings['mode']>> = {
  disable: 'disable',
  require: 'require',
  'verify-ca': 'verify-full',
  'verify-full': 'verify-full',
};

/** Named only if it is one: where a password was not encoded, a part of it may stand there. */
const TLS_PARAMETER =
  /^ssl(cert|key|rootcert|crl|crldir|password|compression|negotiation|certmode|_min_protocol_version)?$/;

export function postgresSettings(values: OptionValues, problems: Problem[]): PostgresSettings | null {
  if (values.DATABASE_URL === null) return null;
  const url = new URL(values.DATABASE_URL);
  const sslmode = url.searchParams.get('sslmode');
  for (const parameter of [...url.searchParams.keys()].filter((name) => name.startsWith('ssl'))) {
    if (parameter !== 'sslmode') {
      problems.push({
        variable: 'DATABASE_URL',
        says: `has ${TLS_PARAMETER.test(parameter) ? parameter : 'a TLS parameter'}; use DATABASE_TLS_CA_FILE, _CERT_FILE and _KEY_FILE.`,
      });
    }
    url.searchParams.delete(parameter);
  }
  const ofUrl = sslmode === null ? 'disable' : MODE_OF_SSLMODE[sslmode];
  if (ofUrl === undefined && values.DATABASE_TLS_MODE === null) {
    problems.push({
      variable: 'DATABASE_URL',
      says: 'has an sslmode that does not say whether to encrypt; set DATABASE_TLS_MODE to disable, require or verify-full.',
    });
  }
  const mode = values.DATABASE_TLS_MODE ?? ofUrl ?? 'verify-full';
  const [ca, cert, key] = [
    values.DATABASE_TLS_CA_FILE,
    values.DATABASE_TLS_CERT_FILE,
    values.DATABASE_TLS_KEY_FILE,
  ];
  pairUp('DATABASE_TLS', cert, key, problems);
  if (mode === 'disable' && (ca !== null || cert !== null || key !== null)) {
    problems.push({
      variable: 'DATABASE_TLS_MODE',
      says: 'is disable, so the DATABASE_TLS files are not used; set verify-full.',
    });
  }
  return { url: url.href, tls: { mode, ca, cert, key } };
}
