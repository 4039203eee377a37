import type { ErrorCode } from '../errors/codes.js';
import { ConnectorError, toError } from '../errors/connector-error.js';

/**
 * Which condition an error of the replication connection is, by SQLSTATE (never by text, which is translated).
 * @param streaming whether START_REPLICATION had been accepted: the same SQLSTATE means other things before and after.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function replicationError(thrown: unknown, streaming: boolean): ConnectorError {
  if (thrown instanceof ConnectorError) return thrown;
  const error = toError(thrown);
  const sqlState = sqlStateOf(error);
  const code = sqlState === null ? 'REPLICATION_LOST' : codeOf(sqlState, streaming);
  const errno = (error as NodeJS.ErrnoException).code;
  return new ConnectorError(
    code,
    streaming ? 'the replication stream ended' : 'the replication stream could not be started',
    {
      cause: error,
      facts: sqlState === null ? { errno: typeof errno === 'string' ? errno : null } : { sqlState },
    },
  );
}

function codeOf(sqlState: string, streaming: boolean): ErrorCode {
  switch (sqlState) {
    case '42704': // undefined_object: the slot at the start, the publication (looked up with the first change) later
      return streaming ? 'PUBLICATION_MISSING' : 'SLOT_MISSING';
    case '55006': // object_in_use
      return 'SLOT_ACTIVE';
    case '55000': // object_not_in_prerequisite_state: invalidated; other kinds of slot were told apart by their row
    case '58P01': // undefined_file: a WAL segment that is gone
      return 'SLOT_LOST';
    case '42501': // insufficient_privilege
      return 'REPLICATION_RIGHTS';
    case '28000': // invalid_authorization_specification
    case '28P01': // invalid_password
      return 'DATABASE_AUTH';
    case '3D000': // invalid_catalog_name
      return 'DATABASE_MISSING';
    default:
      // Shutdowns (57P0x), too many senders (53300) and everything unforeseen: the slot keeps the place, so try again.
      return 'REPLICATION_LOST';
  }
}

/** The SQLSTATE of a server's error message; null for errors of the socket (whose codes may be five letters, too). */
function sqlStateOf(error: Error): string | null {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && typeof severity === 'string' ? code : null;
}
