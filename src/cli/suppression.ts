import type { Config } from '../config/config.js';
import { systemClock } from '../lifecycle/clock.js';
import type { Logger } from '../observability/logger.js';
import { listLog } from '../observers/list-observers.js';
import { configuredList, type ConfiguredList } from '../suppression/configured-list.js';

/**
 * The suppression list for a command that queues or shows calls, read before it does; null: none is configured here, and what
 * Redis holds alone decides when it is delivered.
 * @throws ConnectorError SUPPRESSION_UNREADABLE, DATABASE_…
 */
export async function commandList(config: Config, logger: Logger): Promise<ConfiguredList | null> {
  const { suppression: settings, postgres } = config;
  const list = configuredList({ settings, postgres, clock: systemClock, observer: listLog(logger) });
  try {
    await list?.begin({ patiently: false, onFailed: () => undefined });
  } catch (error) {
    await list?.close();
    throw error;
  }
  return list;
}

/** As an option that may be absent. */
export function listedOption(list: ConfiguredList | null): { readonly listed?: ConfiguredList } {
  return list === null ? {} : { listed: list };
}
