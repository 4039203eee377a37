import { toError } from '../../../src/errors/connector-error.js';

/**
 * Codes with which a server that is taken away answers, or a statement that gave way to another: 08 connection, 57P0x shut
 * down or starting, lock not available and deadlock, and node's own of a socket.
 */
const TOLERATED = [/^08...$/, /^57P0[1-5]$/, /^55P03$/, /^40P01$/, /^(ECONN|EPIPE|ETIMEDOUT)/];

/** The code of a failure that a struck server explains; null for any other, which is a finding. */
export function toleratedCode(thrown: unknown): string | null {
  const { code } = toError(thrown) as { code?: unknown };
  // The client marks neither a connection that ended nor one that never came about.
  if (code === undefined) return isOfTheClient(thrown) ? 'connection lost' : null;
  if (typeof code !== 'string') return null;
  return TOLERATED.some((pattern) => pattern.test(code)) ? code : null;
}

/** Without a code pg throws plain errors and nothing else; a defect of the run itself is a TypeError, RangeError and so on. */
function isOfTheClient(thrown: unknown): boolean {
  return thrown instanceof Error && Object.getPrototypeOf(thrown) === Error.prototype;
}
