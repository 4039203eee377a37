import { ConnectorError } from '../errors/connector-error.js';
import { formatLsn } from '../postgres/lsn.js';
import type { SetupOptions } from '../postgres/setup.js';
import { dropSlot, readSlot, replaySlotName } from '../postgres/slot.js';
import { ensureReplaySlot } from './replay-slot.js';

/**
 * Set-up's step for the replay slot. A slot that cannot be made is told, not refused: the connector works without, only a
 * replay does not.
 * @throws ConnectorError DATABASE_UNREACHABLE and the like
 */
export const setUpReplaySlot: NonNullable<SetupOptions['replaySlot']> = async (knex, options) => {
  const { database, slotName, anew } = options;
  const name = replaySlotName(slotName);
  // Older than its publication it could not be streamed.
  const older = anew ? await readSlot(knex, name) : null;
  if (older !== null && !older.active) await dropSlot(knex, name);
  try {
    const ensured = await ensureReplaySlot(knex, database, slotName);
    if (ensured.tag === 'impossible') {
      const why =
        ensured.reason === 'slot-held' ? 'while a connector streams; its next start' : 'now; the next start';
      return { step: 'replay slot', did: 'kept', detail: `${name} cannot be made ${why} makes it` };
    }
    const at = ensured.slot.confirmedFlushLsn;
    const did = ensured.tag === 'made' ? (older === null ? 'created' : 'changed') : 'kept';
    return {
      step: 'replay slot',
      did,
      detail: `${name} at ${at === null ? 'an unknown position' : formatLsn(at)}${ensured.slot.failover ? ', with failover' : ''}`,
    };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return { step: 'replay slot', did: 'kept', detail: `${name} could not be made: ${error.message}` };
  }
};
