import knex from 'knex';

import type { ErrorCode } from '../errors/codes.js';
import { ConnectorError, toError } from '../errors/connector-error.js';
import { toldMessage } from '../errors/told.js';

/**
 * Which of our codes a failure of the PostgreSQL client is, by SQLSTATE or by node's error code, never by message.
 * A failure with no code at all is a connection that ended or never came about: the client marks neither otherwise.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function codeOfDatabaseError(error: Error): ErrorCode {
  if (error instanceof knex.KnexTimeoutError) return 'DATABASE_UNREACHABLE';
  const code = codeIn(error);
  if (code === null) return 'DATABASE_UNREACHABLE';
  const exact = EXACT[code];
  if (exact !== undefined) return exact;
  if (/^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E'))
    return CLASSES[code.slice(0, 2)] ?? 'DATABASE_QUERY';
  if (/^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/.test(code)) return 'DATABASE_TLS';
  return 'DATABASE_UNREACHABLE';
}

const EXACT: Readonly<Record<string, ErrorCode>> = {
  '28000': 'DATABASE_AUTH',
  '28P01': 'DATABASE_AUTH',
  '3D000': 'DATABASE_MISSING',
  '42501': 'DATABASE_RIGHTS',
  '55P03': 'DATABASE_BUSY',
  '57014': 'DATABASE_BUSY',
  EPROTO: 'DATABASE_TLS',
};

/** By SQLSTATE class: 08 connection, 53 resources, 57 operator intervention, 58 the server's own system. */
const CLASSES: Readonly<Record<string, ErrorCode>> = {
  '08': 'DATABASE_UNREACHABLE',
  '53': 'DATABASE_UNREACHABLE',
  '57': 'DATABASE_UNREACHABLE',
  '58': 'DATABASE_UNREACHABLE',
};

/**
 * What failed, as a ConnectorError with the cause kept. `doing` completes "while …". The message holds no value of a row
 * and no address: the URL has the password in it.
 */
export function databaseError(thrown: unknown, doing: string): ConnectorError {
  if (thrown instanceof ConnectorError) return thrown;
  const error = toError(thrown);
  const code = codeIn(error);
  return new ConnectorError(
    codeOfDatabaseError(error),
    `PostgreSQL failed while ${doing}: ${reason(error)}`,
    {
      cause: error,
      facts: code === null ? {} : { databaseCode: code },
    },
  );
}

function codeIn(error: Error): string | null {
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string') return code;
  // Happy Eyeballs: a host with several addresses fails with one error for each.
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return codeIn(error.errors[0]);
  return null;
}

function reason(error: Error): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return reason(error.errors[0]);
  return toldMessage(error);
}
