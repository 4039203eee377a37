/** What of an error is told: in logs, on screens and in probes. */
export interface ToldError {
  readonly type: string;
  /** SQLSTATE, a system's code such as ECONNREFUSED, or one of the connector's own. */
  readonly code?: string;
  /** With those of its causes. */
  readonly message: string;
  /** Where it was made, without any message. */
  readonly stack: string;
}

/**
 * SQLSTATE classes whose messages may quote a value of a row: data exceptions, `RAISE` and functions of other languages, foreign
 * servers. @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const QUOTING_CLASSES: ReadonlySet<string> = new Set(['22', 'P0', '38', '39', 'HV']);
const SQLSTATE = /^[0-9A-Z]{5}$/;
/** Redis repeats what it did not understand. */
const REPEATED_ARGUMENTS = /, with args beginning with:.*$/s;
const MOST_CAUSES = 5;

/**
 * An error without anything that it may have caught of the data. Clients hang the statement, the command with its arguments or
 * the row's values on their errors; nothing is taken from there, and no message that may quote a value.
 */
export function toldError(error: Error): ToldError {
  const errors = withCauses(error);
  const messages = errors.map(toldMessage);
  const code = codeOf(error);
  return {
    type: error.name === 'Error' ? error.constructor.name : error.name,
    ...(code === null ? {} : { code }),
    // A message often ends with that of its cause.
    message: messages
      .filter((message, index) => index === 0 || messages[index - 1]?.endsWith(message) !== true)
      .join(': '),
    stack: errors.map(framesOf).join('\ncaused by\n'),
  };
}

/** The message of one error, unless it may quote a value. */
export function toldMessage(error: Error): string {
  const { severity } = error as { severity?: unknown };
  const code = codeOf(error);
  if (typeof severity === 'string' && code !== null && SQLSTATE.test(code)) {
    if (QUOTING_CLASSES.has(code.slice(0, 2))) {
      return `a value was refused (SQLSTATE ${code}); the server’s log says which`;
    }
  }
  return error.message.replace(REPEATED_ARGUMENTS, '');
}

function codeOf(error: Error): string | null {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : null;
}

function withCauses(error: Error): readonly Error[] {
  const errors = [error];
  for (let { cause } = error; cause instanceof Error && errors.length <= MOST_CAUSES; { cause } = cause) {
    errors.push(cause);
  }
  return errors;
}

/** The lines of the stack that name a place: those before them are the message. */
function framesOf(error: Error): string {
  const lines = (error.stack ?? '').split('\n');
  return lines.filter((line) => /^\s+at /.test(line)).join('\n');
}
