import { parseConfig } from '../config/parse.js';
import type { Role } from '../config/option.js';
import { ConnectorError } from '../errors/connector-error.js';
import type { ExitCode } from '../errors/exit-codes.js';
import { systemClock } from '../lifecycle/clock.js';
import { supervise } from '../lifecycle/supervise.js';
import { createLogger } from '../observability/logger.js';
import { LIBRARY } from '../version.js';
import type { CommandContext } from './context.js';

/** Runs the connector until a signal or a condition that needs a person. Its log goes to `out`, a JSON object a line. */
export async function run(context: CommandContext, options: { readonly role: Role }): Promise<ExitCode> {
  const { role } = options;
  const config = parseConfig(context.env, { command: 'run', role });
  const logger = createLogger(config.logLevel, { write: (line) => void context.out.write(line) });
  // Loaded only now: a configuration in error answers without it.
  const { createConnector } = await import('../app.js');
  logger.info(
    { version: LIBRARY.version, role, sources: config.sources.map(({ settings }) => settings.name) },
    'starting',
  );
  const { exitCode, failure } = await supervise(
    createConnector(config, { logger, role, clock: systemClock }),
    {
      signal: context.signal,
      force: context.force,
      graceMs: config.shutdownGraceMs,
      clock: systemClock,
      logger,
    },
  );
  if (failure instanceof ConnectorError) {
    const { code, facts, advice } = failure;
    logger.fatal({ code, ...facts, advice, err: failure }, failure.message);
  } else if (failure !== null) {
    logger.fatal({ err: failure }, 'stopped by an unexpected error');
  }
  logger.info({ exitCode }, 'stopped');
  return exitCode;
}
