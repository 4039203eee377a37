import type { Config } from '../config/config.js';
import type { Role } from '../config/option.js';
import { ConnectorError } from '../errors/connector-error.js';
import type { ExitCode } from '../errors/exit-codes.js';
import { boundHeapGrowth } from '../lifecycle/heap-growth.js';
import { systemClock } from '../lifecycle/clock.js';
import { supervise } from '../lifecycle/supervise.js';
import { createLogger } from '../observability/logger.js';
import { ConfigReader } from '../reload/read-config.js';
import { Reloader } from '../reload/reloader.js';
import { LIBRARY } from '../version.js';
import type { CommandContext } from './context.js';

const RELOAD_END_MS = 1_000;

/** Runs the connector until a signal or a condition that needs a person. Its log goes to `out`, a JSON object a line. */
export async function run(context: CommandContext, options: { readonly role: Role }): Promise<ExitCode> {
  const { role } = options;
  const reader = new ConfigReader(context.env, { command: 'run', role });
  const read = reader.read();
  if (read.tag === 'refused') throw read.error;
  const { config, fingerprint } = read;
  const logger = createLogger(config.logLevel, { write: (line) => void context.out.write(line) });
  boundHeapGrowth();
  // Loaded only now: a configuration in error answers without it.
  const { createConnector } = await import('../app.js');
  logger.info(
    { version: LIBRARY.version, role, sources: config.sources.map(({ settings }) => settings.name) },
    'starting',
  );
  const clock = systemClock;
  const connector = createConnector(config, { logger, role, clock });
  const apply = async (changed: Config): Promise<void> => connector.reconfigure(changed);
  const reloader = new Reloader({ reader, config, fingerprint, apply, clock, logger });
  context.onHangup?.(() => reloader.request());
  const over = new AbortController();
  const reloading = reloader.run(AbortSignal.any([context.signal, over.signal]));
  const { exitCode, failure } = await supervise(connector, {
    signal: context.signal,
    force: context.force,
    graceMs: config.shutdownGraceMs,
    clock,
    logger,
  });
  over.abort();
  // A change that was under way ends with the connector.
  await Promise.race([reloading, clock.sleep(RELOAD_END_MS)]);
  if (failure instanceof ConnectorError) {
    const { code, facts, advice } = failure;
    logger.fatal({ code, ...facts, advice, err: failure }, failure.message);
  } else if (failure !== null) {
    logger.fatal({ err: failure }, 'stopped by an unexpected error');
  }
  logger.info({ exitCode }, 'stopped');
  return exitCode;
}
