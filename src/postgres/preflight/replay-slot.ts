import { ok, warning, type Finding } from '../../preflight/finding.js';
import { formatLsn } from '../lsn.js';
import { quoteText } from '../query.js';
import { isInvalidated, type SlotState } from '../slot.js';

export interface ReplaySlotFacts {
  readonly name: string;
  /** The slot it is a copy of. */
  readonly main: SlotState | null;
  readonly replay: SlotState | null;
  /** REPLAY_MAX_WAL; null: not known here. */
  readonly maxWalBytes: number | null;
  /** -1: no limit. */
  readonly maxSlotWalKeepMiB: number;
}

const WITHOUT =
  'Without it nothing that was sent can be sent again from the log, and a Redis that loses its data cannot be filled again.';

/** The second slot is no condition for working, so nothing here is worse than a warning. */
export function judgeReplaySlot(facts: ReplaySlotFacts): readonly Finding[] {
  const { name, main, replay } = facts;
  // Where the main slot is missing or foreign that is said elsewhere, and this one comes with it.
  if (main === null || main.slotType !== 'logical') return [];
  return [judgeState(name, main, replay), ...judgeLimit(facts)];
}

function judgeState(name: string, main: SlotState, replay: SlotState | null): Finding {
  const id = 'replay-slot';
  if (replay === null) {
    return warning(id, `there is no replay slot ${name}`, WITHOUT, 'paytronix-segment setup');
  }
  if (replay.slotType !== 'logical' || replay.plugin !== 'pgoutput' || replay.database !== main.database) {
    return warning(
      id,
      `slot ${name} belongs to something else`,
      WITHOUT,
      'Set SLOT_NAME to a name whose _replay is free, then: paytronix-segment setup',
    );
  }
  if (isInvalidated(replay)) {
    return warning(
      id,
      `slot ${name} is invalidated${replay.invalidationReason === null ? '' : ` (${replay.invalidationReason})`}`,
      WITHOUT,
      `paytronix-segment setup -- with the connector stopped; its next start does it, too`,
    );
  }
  if (main.failover && !replay.failover) {
    return warning(
      id,
      `slot ${name} is not kept on physical standbys, the main slot is`,
      'A failover would end the window of replays.',
      `SELECT pg_drop_replication_slot(${quoteText(name)}); -- the next start makes it anew; or restart the connector, which sets the property`,
    );
  }
  const at = replay.confirmedFlushLsn;
  return ok(id, `replay slot ${name} stands at ${at === null ? 'an unknown position' : formatLsn(at)}`);
}

function judgeLimit({ maxWalBytes, maxSlotWalKeepMiB }: ReplaySlotFacts): readonly Finding[] {
  if (maxWalBytes === null || maxSlotWalKeepMiB < 0) return [];
  const maxWalMiB = Math.floor(maxWalBytes / 1_048_576);
  if (maxSlotWalKeepMiB >= maxWalMiB) return [];
  return [
    warning(
      'replay-slot-limit',
      `max_slot_wal_keep_size (${maxSlotWalKeepMiB} MB) is below REPLAY_MAX_WAL (${maxWalMiB} MiB)`,
      'The server would give up the trailing slot before the connector shortens its window.',
      `Set REPLAY_MAX_WAL to at most ${maxSlotWalKeepMiB}MiB, or: ALTER SYSTEM SET max_slot_wal_keep_size = '${maxWalMiB}MB'; SELECT pg_reload_conf();`,
    ),
  ];
}
