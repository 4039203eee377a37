import { ConnectorError } from '../errors/connector-error.js';
import { toldMessage } from '../errors/told.js';
import type { Logger } from '../observability/logger.js';
import type { Metrics } from '../observability/metrics.js';
import type { OriginName } from '../suppression/list-origin.js';
import type { ListObserver, ListProblem } from '../suppression/suppression-list.js';

/** Counts, and never who. */
export function listLog(logger: Logger): ListObserver {
  return {
    changed: (from, guests, total) => logger.info({ from, guests, total }, 'the suppression list was read'),
    unreadable: (from, error, known) =>
      logger.error(
        {
          from,
          known,
          code: error instanceof ConnectorError ? error.code : null,
          reason: toldMessage(error),
        },
        known === null
          ? 'the suppression list cannot be read yet; nothing is queued without it'
          : 'the suppression list cannot be read; whoever was on it stays on it',
      ),
    readable: (from) => logger.info({ from }, 'the suppression list can be read again'),
  };
}

export function listMetrics(metrics: Metrics): ListObserver {
  return {
    changed: (from, _guests, total) => {
      metrics.listedGuests.set(total);
      metrics.listUnreadable.set({ from }, 0);
    },
    unreadable: (from) => metrics.listUnreadable.set({ from }, 1),
    readable: (from) => metrics.listUnreadable.set({ from }, 0),
  };
}

const WHERE: Readonly<Record<OriginName, string>> = {
  file: 'SUPPRESSION_FILE',
  table: 'SUPPRESSION_TABLE',
};

/** For `/readyz`: the connector does its work all the same where the list was read before. */
export function listWords({ origin, known }: ListProblem): string {
  return known === null
    ? `the suppression list of ${WHERE[origin]} cannot be read yet`
    : `degraded: the suppression list of ${WHERE[origin]} cannot be read; whoever was on it (${known}) stays on it`;
}
