import { failure, ok, warning, type Finding } from '../../preflight/finding.js';
import type { Checkpoint } from '../checkpoint-store.js';
import { comparePublication, type PublicationFingerprint } from '../publication.js';
import { onlyAdds } from '../publication-change.js';
import { quoteText } from '../query.js';
import { describeGap, type StartDecision } from '../setup-plan.js';
import { isInvalidated, type SlotState } from '../slot.js';

export const ACCEPT_GAP = 'paytronix-segment setup --accept-gap';
const MUCH_RETAINED_BYTES = 10n * 1024n ** 3n;

export interface SlotFacts {
  readonly slotName: string;
  readonly database: string;
  readonly slot: SlotState | null;
  /** application_name of the process that streams from it. */
  readonly activeBy: string | null;
  /** The slot was there before: then `judgeStart` says that it is gone, and what that means. */
  readonly hasCheckpoint: boolean;
}

export function judgeSlot(facts: SlotFacts): readonly Finding[] {
  const { slot, slotName } = facts;
  if (slot === null) {
    if (facts.hasCheckpoint) return [];
    return [
      failure(
        'slot',
        `there is no replication slot ${slotName}`,
        'Without it the server keeps nothing for the connector.',
        'paytronix-segment setup',
      ),
    ];
  }
  const foreign = judgeKind(slot, facts.database);
  if (foreign !== null) return [foreign];
  return [judgeWal(slot), ...judgeRetained(slot), ...judgeActive(facts, slot)];
}

function judgeKind(slot: SlotState, database: string): Finding | null {
  const wrong =
    slot.slotType !== 'logical'
      ? 'is physical'
      : slot.plugin !== 'pgoutput'
        ? `uses plugin ${slot.plugin ?? 'none'}`
        : slot.database !== database
          ? `is of database ${slot.database ?? 'none'}`
          : null;
  if (wrong === null) return null;
  return failure(
    'slot-kind',
    `slot ${slot.slotName} ${wrong}`,
    `The connector needs a logical slot of pgoutput in database ${database}; this one belongs to something else.`,
    'Set SLOT_NAME to a name that is free, then: paytronix-segment setup',
  );
}

function judgeWal(slot: SlotState): Finding {
  if (isInvalidated(slot)) {
    return failure(
      'slot-wal',
      `slot ${slot.slotName} is invalidated${slot.invalidationReason === null ? '' : ` (${slot.invalidationReason})`}`,
      'The server has removed what it had not sent yet.',
      ACCEPT_GAP,
    );
  }
  if (slot.walStatus === 'unreserved') {
    return failure(
      'slot-wal',
      `slot ${slot.slotName} is about to lose its WAL (wal_status unreserved)`,
      'At the next checkpoint of the server it is invalidated.',
      `ALTER SYSTEM SET max_slot_wal_keep_size = -1; SELECT pg_reload_conf(); -- then start the connector at once`,
    );
  }
  return ok('slot', `slot ${slot.slotName} is ${slot.walStatus ?? 'in use'}`);
}

function judgeRetained({ slotName, retainedBytes, safeWalBytes }: SlotState): Finding[] {
  const retained = retainedBytes ?? 0n;
  const nearLimit = safeWalBytes !== null && safeWalBytes < retained;
  if (!nearLimit && retained <= MUCH_RETAINED_BYTES) return [];
  const left = safeWalBytes === null ? '' : `, ${mebibytes(safeWalBytes)} before it is invalidated`;
  return [
    warning(
      'slot-retained',
      `slot ${slotName} keeps ${mebibytes(retained)} of WAL on the server${left}`,
      'The connector is behind or down, or a transaction has been open for long.',
      `Start the connector; SELECT pid, xact_start FROM pg_stat_activity WHERE xact_start < now() - interval '1 hour';`,
    ),
  ];
}

function mebibytes(bytes: bigint): string {
  return `${bytes / 1_048_576n} MiB`;
}

function judgeActive({ activeBy }: SlotFacts, slot: SlotState): Finding[] {
  if (slot.activePid === null) return [];
  const who = activeBy === null || activeBy === '' ? `process ${slot.activePid}` : activeBy;
  if (who.startsWith('paytronix-segment'))
    return [ok('slot-active', `a connector streams from slot ${slot.slotName}`)];
  return [
    warning(
      'slot-active',
      `slot ${slot.slotName} is in use by ${who}`,
      'Only one process can stream from it, and what another one confirms never reaches Segment.',
      `SELECT * FROM pg_stat_activity WHERE pid = ${slot.activePid}; -- SELECT pg_terminate_backend(${slot.activePid});`,
    ),
  ];
}

/** What a start would say: whether slot, publication and checkpoint still belong together. */
export function judgeStart(
  decision: StartDecision,
  checkpoint: Checkpoint | null,
  publication: PublicationFingerprint | null,
): readonly Finding[] {
  const findings: Finding[] = [];
  // A slot of another kind has its own finding, and no gap could be accepted there.
  if (decision.tag === 'gap' && decision.reason !== 'slot-foreign') {
    findings.push(
      failure(
        'gap',
        `commits may be missing: ${describeGap(decision)}`,
        'The connector does not start over a gap nobody has accepted.',
        ACCEPT_GAP,
      ),
    );
  }
  const drift = checkpoint === null ? [] : comparePublication(checkpoint.publication, publication);
  if (checkpoint !== null && drift.length > 0 && onlyAdds(checkpoint.publication, publication)) {
    findings.push(
      warning(
        'publication-drift',
        `more is published than set-up knows of: ${drift.join('; ')}`,
        'Nothing was lost by it; once it is written down, it is noticed when it is taken back.',
        'paytronix-segment setup',
      ),
    );
  } else if (drift.length > 0) {
    findings.push(
      failure(
        'publication-drift',
        `the publication was changed by hand: ${drift.join('; ')}`,
        'Rows may not have been sent meanwhile, and the server does not say which.',
        ACCEPT_GAP,
      ),
    );
  }
  if (checkpoint === null && decision.tag === 'first-run') {
    findings.push(
      failure(
        'checkpoint',
        'there is no checkpoint for the slot',
        'Without one a slot that was lost or moved would go unnoticed.',
        'paytronix-segment setup',
      ),
    );
  }
  return findings.length === 0 && checkpoint !== null
    ? [ok('checkpoint', `checkpoint and slot ${quoteText(checkpoint.slotName)} agree`)]
    : findings;
}
