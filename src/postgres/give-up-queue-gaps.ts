import type { Knex } from 'knex';

import { QUEUE_GAP } from './gap-reasons.js';
import { closeGap, readGaps } from './gap-store.js';
import { formatLsn, type Lsn } from './lsn.js';
import type { StepReport } from './setup-state.js';

/**
 * Gives up, on the operator's word, the spans that Redis lost and nobody could derive again: capture then goes on without
 * them. `recover` fills them instead.
 * @throws ConnectorError DATABASE_…
 */
export async function giveUpQueueGaps(knex: Knex, slotName: string): Promise<readonly StepReport[]> {
  const reports: StepReport[] = [];
  for (const { id, reason, closedAtUs, fromLsn, toLsn } of await readGaps(knex, slotName)) {
    if (reason !== QUEUE_GAP || closedAtUs !== null) continue;
    await closeGap(knex, id, 'setup --accept-gap');
    const detail = `accepted: ${reason}, from ${text(fromLsn)} to ${text(toLsn)}`;
    reports.push({ step: 'gap', did: 'changed', detail });
  }
  return reports;
}

function text(lsn: Lsn | null): string {
  return lsn === null ? 'an unknown position' : formatLsn(lsn);
}
