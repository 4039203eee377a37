import type { Knex } from 'knex';

import { ConnectorError } from '../errors/connector-error.js';
import { failpoint } from '../lifecycle/failpoint.js';
import { baselineSql } from './baseline.js';
import { TIME_FROM_US, type Checkpoint } from './checkpoint-store.js';
import { PARKED_GAP } from './gap-reasons.js';
import { insertGap } from './gap-store.js';
import { formatLsn, type Lsn } from './lsn.js';
import { migrateConnector } from './migrate.js';
import { quoteText, rowOf, rowsOf } from './query.js';
import { describeGap, positionsStillMean } from './setup-plan.js';
import { setUpPublication } from './setup-publication.js';
import {
  readState,
  refuseUnfitServer,
  refuseUnlessAccepted,
  type SetupOptions,
  type State,
  type StepReport,
} from './setup-state.js';
import { createSlot, dropSlot, readSlot, type SlotState } from './slot.js';
import { readSources, unparkSource } from './source-store.js';
import { readSystem } from './system.js';

export type { SetupOptions, StepReport } from './setup-state.js';

/**
 * Makes the connector's schema, publication, replica identities, slot and baseline checkpoint, in that order (a
 * publication must exist before its slot). Idempotent: what is there and right is kept.
 *
 * Refuses, before it changes anything but its own schema, when commits are or may be lost already: then only
 * `acceptGap` goes on, and writes down what was lost.
 * @throws ConnectorError SETUP_REFUSED, TABLES_MISSING, SCHEMA_NEWER, DATABASE_RIGHTS, DATABASE_BUSY and the like
 */
export async function setUp(knex: Knex, options: SetupOptions): Promise<readonly StepReport[]> {
  const reports: StepReport[] = [];
  const report = (entry: StepReport): void => {
    reports.push(entry);
    options.onStep?.(entry);
  };
  const system = await readSystem(knex, options.database);
  await refuseUnfitServer(knex, system);
  report(await setUpSchema(knex));

  const state = await readState(knex, options, system);
  refuseUnlessAccepted(state, options);

  for (const entry of await setUpPublication(knex, options, state)) report(entry);
  failpoint('setup-published');
  const enabledFromUs = await setUpSlot(knex, options, state, report);
  failpoint('setup-slot-made');
  if (options.replaySlot !== undefined) {
    const { database, slotName } = options;
    report(await options.replaySlot(knex, { database, slotName, anew: state.slotOlderThanPublication }));
  }
  report(await setUpBaseline(knex, options, state, enabledFromUs));
  for (const entry of await recordAcceptedGap(knex, options, state)) {
    report(entry);
    failpoint('gap-recorded');
  }
  return reports;
}

async function setUpSchema(knex: Knex): Promise<StepReport> {
  const { applied } = await migrateConnector(knex);
  return applied.length === 0
    ? { step: 'schema', did: 'kept', detail: 'schema segment_connector is up to date' }
    : { step: 'schema', did: 'created', detail: `schema segment_connector: applied ${applied.join(', ')}` };
}

/** Returns when the slot began, microseconds since 1970: 0 when it was there already, which bounds nothing. */
async function setUpSlot(
  knex: Knex,
  options: SetupOptions,
  state: State,
  report: (entry: StepReport) => void,
): Promise<number> {
  const { slot, decision } = state;
  const name = options.slotName;
  const unusable =
    (decision.tag === 'gap' && decision.reason === 'slot-invalidated') || state.slotOlderThanPublication;
  if (slot !== null && !unusable) {
    const runs =
      slot.activePid === null
        ? ''
        : '; a connector streams from it, start it again if the configuration has changed';
    report({ step: 'slot', did: 'kept', detail: `${name} at ${formatLsn(slotPosition(slot))}${runs}` });
    return 0;
  }
  if (slot !== null) {
    if (slot.activePid !== null) {
      throw new ConnectorError(
        'SETUP_REFUSED',
        `slot ${name} must be made anew, but process ${slot.activePid} streams from it: stop the connector first`,
      );
    }
    await dropSlot(knex, name);
  }
  const { us } = await rowOf<{ us: string }>(
    knex,
    'reading the clock',
    `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text AS us`,
  );
  const lsn = await createSlot(
    knex,
    name,
    options.failover === undefined ? {} : { failover: options.failover },
  );
  report({
    step: 'slot',
    did: slot === null ? 'created' : 'changed',
    detail: `${name} from ${formatLsn(lsn)}`,
  });
  return Number(us);
}

function slotPosition(slot: SlotState): NonNullable<SlotState['confirmedFlushLsn']> {
  if (slot.confirmedFlushLsn !== null) return slot.confirmedFlushLsn;
  throw new ConnectorError('SETUP_REFUSED', `slot ${slot.slotName} is still being made by another process`);
}

async function setUpBaseline(
  knex: Knex,
  options: SetupOptions,
  state: State,
  enabledFromUs: number,
): Promise<StepReport> {
  if (state.checkpoint !== null) {
    const at = formatLsn(state.checkpoint.endLsn);
    return { step: 'baseline', did: 'kept', detail: `checkpoint at ${at}` };
  }
  await rowsOf(
    knex,
    'writing the baseline checkpoint',
    baselineSql({
      slotName: options.slotName,
      publicationName: options.publicationName,
      systemIdentifier: quoteText(state.system.systemIdentifier),
      timeline: String(state.system.timeline),
      enabledFrom: TIME_FROM_US.replace('?', String(enabledFromUs)),
    }),
  );
  return { step: 'baseline', did: 'created', detail: 'checkpoint at the position of the slot' };
}

/** Gap and new baseline in one transaction: the baseline alone would hide the loss. */
async function recordAcceptedGap(knex: Knex, options: SetupOptions, state: State): Promise<StepReport[]> {
  const { checkpoint, decision, system } = state;
  if (checkpoint === null || (decision.tag !== 'gap' && !state.slotOlderThanPublication)) return [];
  const slot = await readSlot(knex, options.slotName);
  if (slot === null)
    throw new ConnectorError('SETUP_REFUSED', `slot ${options.slotName} was dropped during set-up`);
  const toLsn = slotPosition(slot);
  const reason = decision.tag === 'gap' ? describeGap(decision) : 'the slot was older than the publication';
  const keepMarks = positionsStillMean(decision);
  await knex.transaction(async (transaction) => {
    await insertGap(transaction, {
      slotName: options.slotName,
      source: null,
      fromLsn: checkpoint.endLsn,
      toLsn,
      fromTimeUs: checkpoint.commitTimeUs,
      toTimeUs: system.nowUs,
      reason,
    });
    await rowsOf(
      transaction,
      'writing the new baseline',
      `UPDATE segment_connector.checkpoint SET system_identifier = ?, timeline = ?, end_lsn = ?::pg_lsn,
        commit_time = NULL, ${keepMarks ? '' : "lanes = '{}', delivered = jsonb_build_object('floor', ?::text),"} updated_at = now()
      WHERE slot_name = ?`,
      [
        system.systemIdentifier,
        system.timeline,
        formatLsn(toLsn),
        ...(keepMarks ? [] : [formatLsn(toLsn)]),
        options.slotName,
      ],
    );
    await giveUpParked(transaction, options.slotName, checkpoint);
    if (!keepMarks) await forgetPositions(transaction, options.slotName, toLsn);
  });
  return [
    {
      step: 'gap',
      did: 'created',
      detail: `recorded and accepted: ${reason}; going on from ${formatLsn(toLsn)}`,
    },
  ];
}

/** What parked sources missed before the gap is a gap of theirs: the WAL it was to be brought from is gone. */
async function giveUpParked(knex: Knex, slotName: string, checkpoint: Checkpoint): Promise<void> {
  for (const { source, parked } of (await readSources(knex, slotName)).values()) {
    if (parked === null) continue;
    const { upTo: fromLsn, commitTimeUs: fromTimeUs } = parked;
    const span = { fromLsn, toLsn: checkpoint.endLsn, fromTimeUs, toTimeUs: checkpoint.commitTimeUs };
    await insertGap(knex, { slotName, source, ...span, reason: PARKED_GAP });
    await unparkSource(knex, slotName, source);
  }
}

/** The time index and the sources' beginnings are of another history: their positions mean nothing any more. */
async function forgetPositions(knex: Knex, slotName: string, baseline: Lsn): Promise<void> {
  await rowsOf(
    knex,
    'setting the sources to the new baseline',
    'UPDATE segment_connector.source SET added_lsn = ?::pg_lsn WHERE slot_name = ? AND added_lsn IS NOT NULL',
    [formatLsn(baseline), slotName],
  );
  await rowsOf(
    knex,
    'forgetting the positions of another history',
    'DELETE FROM segment_connector.position_time WHERE slot_name = ?',
    [slotName],
  );
}
