import type { Knex } from 'knex';
import { ConnectorError } from '../errors/connector-error.js';
import { readCheckpoint } from '../postgres/checkpoint-store.js';
import { rowOf } from '../postgres/query.js';
import { isInvalidated, readSlot, replaySlotName, type SlotState } from '../postgres/slot.js';
import { timeAtLsn } from './time-index.js';
import type { ReplayWindow } from './window.js';

/**
 * What can be replayed now.
 * @throws ConnectorError REPLAY_WINDOW (there is no replay slot), CHECKPOINT_MISSING, DATABASE_…
 */
export async function readWindow(knex: Knex, slotName: string): Promise<ReplayWindow> {
  const slot = await usableSlot(knex, replaySlotName(slotName));
  const from = slot.confirmedFlushLsn;
  const main = await readSlot(knex, slotName);
  const checkpoint = await readCheckpoint(knex, slotName);
  // Where the live stream stands, also while its slot is gone.
  const to = main?.confirmedFlushLsn ?? checkpoint?.endLsn ?? null;
  if (to === null) {
    throw new ConnectorError('CHECKPOINT_MISSING', `no checkpoint of slot ${slotName}`, {
      facts: { slot: slotName },
    });
  }
  const { us } = await rowOf<{ us: string }>(
    knex,
    'reading the clock',
    `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text AS us`,
  );
  const times: number[] = [];
  const noted = await timeAtLsn(knex, slotName, from);
  if (noted !== null) times.push(noted);
  // Still where capture was turned on: everything since then is in the window.
  if (checkpoint !== null && from <= checkpoint.enabledFromLsn) times.push(checkpoint.enabledFromUs);
  return {
    from,
    fromTimeUs: times.length === 0 ? null : Math.min(...times),
    to,
    toTimeUs: checkpoint?.commitTimeUs ?? null,
    nowUs: Number(us),
  };
}

/** @throws ConnectorError REPLAY_WINDOW */
async function usableSlot(
  knex: Knex,
  name: string,
): Promise<SlotState & { readonly confirmedFlushLsn: NonNullable<SlotState['confirmedFlushLsn']> }> {
  const slot = await readSlot(knex, name);
  if (slot !== null && slot.confirmedFlushLsn !== null && !isInvalidated(slot)) {
    return { ...slot, confirmedFlushLsn: slot.confirmedFlushLsn };
  }
  const why = slot === null ? 'there is none' : 'the server gave it up';
  throw new ConnectorError(
    'REPLAY_WINDOW',
    `nothing can be replayed without the replay slot ${name}: ${why}; the connector makes it at its next start, and what was committed before is filled by paytronix-segment backfill`,
    { facts: { slot: name } },
  );
}
