import type { Knex } from 'knex';

import { ConnectorError } from '../errors/connector-error.js';
import type { Checkpoint } from '../postgres/checkpoint-store.js';
import { insertGap, readGaps } from '../postgres/gap-store.js';
import { gapCommands, gapFacts } from '../postgres/gap-advice.js';
import type { Lsn } from '../postgres/lsn.js';
import { QUEUE_GAP } from '../postgres/gap-reasons.js';
import { deliveredFromJson } from './delivered-state.js';
import type { HealingPlan } from './healing-plan.js';
import { timeAtLsn } from './time-index.js';

/** Spans that Redis lost and nobody could derive again, and that were since filled or given up. */
export async function acceptedQueueGaps(
  knex: Knex,
  slotName: string,
): Promise<{ readonly from: Lsn; readonly to: Lsn }[]> {
  return (await readGaps(knex, slotName)).flatMap(({ reason, closedAtUs, fromLsn, toLsn }) =>
    reason === QUEUE_GAP && closedAtUs !== null && fromLsn !== null && toLsn !== null
      ? [{ from: fromLsn, to: toLsn }]
      : [],
  );
}

export interface QueueGapOptions {
  readonly slotName: string;
  readonly checkpoint: Checkpoint;
  readonly clock: { now(): number };
  readonly plan: Extract<HealingPlan, { tag: 'gap' }>;
}

/** Writes the gap down once, and names it with its span and the commands that fill it. */
export async function queueGapFound(knex: Knex, options: QueueGapOptions): Promise<ConnectorError> {
  const { slotName, plan, checkpoint, clock } = options;
  const fromTimeUs = deliveredFromJson(checkpoint.delivered)?.commitTimeUs ?? checkpoint.enabledFromUs;
  const toTimeUs = (await timeAtLsn(knex, slotName, plan.to)) ?? clock.now() * 1_000;
  const open = (await readGaps(knex, slotName)).some(
    (gap) => gap.reason === QUEUE_GAP && gap.closedAtUs === null && gap.fromLsn === plan.from,
  );
  const gap = { fromLsn: plan.from, toLsn: plan.to, fromTimeUs, toTimeUs };
  if (!open) await insertGap(knex, { slotName, source: null, ...gap, reason: QUEUE_GAP });
  const why =
    plan.reason === 'no-replay-slot'
      ? 'there is no replay slot to derive it from again'
      : 'the window of the replay slot does not reach back that far';
  return new ConnectorError(
    'CAPTURE_GAP',
    `${QUEUE_GAP}, and ${why}: ${gapFacts(gap).span}; fill it with ${gapCommands(gap).recover}`,
    { facts: { slot: slotName, reason: plan.reason, ...gapFacts(gap).facts, ...gapCommands(gap) } },
  );
}
