import { ConnectorError } from '../errors/connector-error.js';
import { toldError, toldMessage } from '../errors/told.js';
import { EXIT, type ExitCode } from '../errors/exit-codes.js';

/** Exit code of what ended a command. */
export function exitCodeOf(error: Error): ExitCode {
  return error instanceof ConnectorError && error.code === 'CONFIG_INVALID' ? EXIT.CONFIG : EXIT.STOPPED;
}

/**
 * What happened, why, and what to do, for a person. The stack is for whoever asked for it: a condition the connector
 * names needs none.
 */
export function describeError(error: Error, options: { readonly stack: boolean }): string {
  const lines: string[] = [];
  if (error instanceof ConnectorError) {
    lines.push(`${error.code}: ${error.message}`, ...causes(error), `→ ${error.advice}`);
  } else {
    lines.push(`unexpected error: ${toldMessage(error)}`, ...causes(error));
    if (!options.stack) lines.push('→ Run again with LOG_LEVEL=debug to see where it happened.');
  }
  if (options.stack) lines.push(toldError(error).stack);
  return `${lines.join('\n')}\n`;
}

function causes(error: Error): string[] {
  const lines: string[] = [];
  let cause = error.cause;
  while (cause instanceof Error && lines.length < 5) {
    lines.push(`  because: ${toldMessage(cause)}`);
    cause = cause.cause;
  }
  return lines;
}
