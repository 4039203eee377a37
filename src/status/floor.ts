import { isInvalidated, type SlotState } from '../postgres/slot.js';
import { isTooFull, MEMORY_LIMIT_RATIO } from '../queue/memory-guard.js';
import { laneLabel } from '../queue/side-lanes.js';
import type { LaneStatus, QueueStatus } from '../queue/status.js';
import type { DatabaseStatus } from './database-status.js';
import type { StatusFacts } from './status.js';
import { ageText, countText, sizeText } from './words.js';

/** Who may keep the server from forgetting WAL, the most upstream first. */
export const FLOOR_HOLDERS = [
  /** PostgreSQL does not answer: nobody can tell. */
  'postgres',
  /** There is no usable slot: nothing is kept, and nothing is captured. */
  'no_slot',
  /** Capture does not run. */
  'capture',
  /** An open transaction on the server, which both slots have passed. */
  'transaction',
  'redis',
  'redis_memory',
  /** An operator has paused a source. */
  'paused',
  /** A lane, or the whole source, stands still by a condition that needs a person. */
  'lane',
  /** Segment does not take what is queued. */
  'segment',
  /** Nobody delivers, or delivery works through a backlog. */
  'delivery',
  /** Capture reads what was committed while it was away. */
  'catching_up',
  /** The replay slot keeps what a source misses that is past its queue budget. */
  'parked',
  /** The replay slot trails by its retention, as it should. */
  'replay_slot',
  'nothing',
] as const;
export type FloorHolder = (typeof FLOOR_HOLDERS)[number];

export interface Floor {
  readonly heldBy: FloorHolder;
  /** One sentence that names the culprit. */
  readonly says: string;
}

/** Less than this between a position and where it might be is no distance: checkpoints and keepalives are paced. */
const NEAR_BYTES = 16n * 1_048_576n;
/** A job may wait that long before anything is wrong. */
const USUAL_WAIT_MS = 30_000;

/** Who holds the floor: what keeps the server from forgetting WAL that it has written. */
export function whoHoldsTheFloor(facts: StatusFacts): Floor {
  const { database, queue, nowMs } = facts;
  if (database.tag === 'away') {
    return {
      heldBy: 'postgres',
      says: `PostgreSQL does not answer (${database.reason}), so nobody can tell.`,
    };
  }
  const held = bySlot(database.value) ?? byTransaction(database.value);
  if (held !== null) return held;
  if (queue.tag === 'away') {
    return {
      heldBy: 'redis',
      says: `Redis does not answer (${queue.reason}): capture waits, and the WAL is the buffer.`,
    };
  }
  return (
    byQueue(queue.value, database.value, facts) ??
    byDistance(database.value) ??
    byParked(database.value, nowMs) ?? {
      heldBy: 'nothing',
      says: 'Nothing holds the floor: what is committed is confirmed and delivered.',
    }
  );
}

function bySlot({ slot, slotName, server }: DatabaseStatus): Floor | null {
  if (server.inRecovery) {
    return { heldBy: 'no_slot', says: 'This server is a standby: nothing is captured from it.' };
  }
  if (slot === null) {
    return {
      heldBy: 'no_slot',
      says: `There is no slot ${slotName}: the server keeps nothing for the connector. paytronix-segment setup makes one, after a loss paytronix-segment recover.`,
    };
  }
  if (isInvalidated(slot)) {
    return {
      heldBy: 'no_slot',
      says: `The server has given up slot ${slotName}: run paytronix-segment recover.`,
    };
  }
  if (slot.active) return null;
  return {
    heldBy: 'capture',
    says: `Capture is not running: nobody holds slot ${slotName}, and the server keeps ${sizeText(slot.retainedBytes ?? 0n)} of WAL for it.`,
  };
}

/** Only where it holds more than what comes after the slots' positions. */
function byTransaction({ slot, replaySlot, transaction }: DatabaseStatus): Floor | null {
  if (transaction === null) return null;
  const parts = [slot, replaySlot].flatMap((each) => (each === null ? [] : [partsOf(each)]));
  const passed = largest(parts.map((each) => each.passed));
  if (passed < NEAR_BYTES || passed < largest(parts.map((each) => each.behind))) return null;
  const { pid, gid, applicationName, openForMs } = transaction;
  const who =
    pid === null
      ? `prepared transaction ${gid ?? ''}`
      : `PID ${pid} (${applicationName || 'no application name'})`;
  return {
    heldBy: 'transaction',
    says: `An open transaction on the server: ${who}, open for ${ageText(openForMs)}, keeps ${sizeText(passed)} of WAL that the slots have passed. End it, or wait.`,
  };
}

/** WAL before a slot's position that it must keep all the same, and WAL after it. */
function partsOf(slot: SlotState): { readonly passed: bigint; readonly behind: bigint } {
  const behind = slot.behindBytes ?? 0n;
  const passed = (slot.retainedBytes ?? 0n) - behind;
  return { passed: passed > 0n ? passed : 0n, behind };
}

function largest(sizes: readonly bigint[]): bigint {
  return sizes.reduce((most, size) => (size > most ? size : most), 0n);
}

/** Capture goes on without those that are parked: whatever keeps them from being delivered, it holds up nothing else. */
function byQueue(queue: QueueStatus, database: DatabaseStatus, facts: StatusFacts): Floor | null {
  const { nowMs, budgets } = facts;
  const { memory } = queue;
  const parked = parkedOf(database);
  const notes = queue.notes.filter(({ source }) => !parked.has(source));
  const lanes = queue.lanes.filter(({ source }) => !parked.has(source));
  const stopped = notes.find(({ state }) => state === 'stopped');
  const hole = lanes.find((lane) => lane.hole);
  const behind = waitingTooLong(lanes, nowMs);
  const failing = notes.find(({ state }) => state === 'failing');
  const budget = usedUp(lanes, budgets);
  const also = budget ? ' Its queue budget is used up, so capture waits.' : '';
  const paused = byPause(lanes, database, facts, also);
  if (paused !== null) return paused;
  if (stopped !== undefined) {
    const { source, lane, why, sinceMs } = stopped;
    const what = lane === null ? `Source ${source}` : `Lane ${source}/${laneLabel(lane)}`;
    return {
      heldBy: 'lane',
      says: `${what} has been standing still for ${ageText(nowMs - sinceMs)}: ${why}.${also}`,
    };
  }
  if (hole !== undefined) {
    return {
      heldBy: 'lane',
      says: `Lane ${nameOf(hole)} misses a job and stands still until capture has queued it again.${also}`,
    };
  }
  if (failing !== undefined && (behind !== null || budget)) {
    return {
      heldBy: 'segment',
      says: `Segment has taken nothing of ${failing.source} for ${ageText(nowMs - failing.sinceMs)}: ${failing.why}. It is tried again.${also}`,
    };
  }
  if (isTooFull(memory)) {
    const limit = Math.round(MEMORY_LIMIT_RATIO * 100);
    return {
      heldBy: 'redis_memory',
      says: `Redis uses ${sizeText(memory.usedBytes)} of ${sizeText(memory.maxBytes)}: capture adds nothing from ${limit} % on, until delivery has made room.`,
    };
  }
  return behind === null ? null : byDelivery(behind, also, nowMs);
}

const BY_NONE: ReadonlySet<string> = new Set();

/** Of those that have something to deliver. */
function byPause(
  lanes: readonly LaneStatus[],
  { sources }: DatabaseStatus,
  { nowMs, pausedByFile = BY_NONE }: StatusFacts,
  also: string,
): Floor | null {
  const sinceUs = new Map(sources.map(({ source, pausedAtUs }) => [source, pausedAtUs]));
  const isPaused = (source: string): boolean => pausedByFile.has(source) || sinceUs.get(source) != null;
  const waiting = waitingTooLong(
    lanes.filter(({ source }) => isPaused(source)),
    nowMs,
  );
  if (waiting === null) return null;
  const { source } = waiting;
  const jobs = `with ${countText(waiting.jobs, 'job')} waiting`;
  // Taken out of the file it would still be paused where somebody paused it besides.
  if (pausedByFile.has(source)) {
    return {
      heldBy: 'paused',
      says: `Source ${source} is paused by its configuration (paused: true), ${jobs}: without that line it goes on.${also}`,
    };
  }
  const since = ageText(nowMs - (sinceUs.get(source) ?? 0) / 1_000);
  return {
    heldBy: 'paused',
    says: `Source ${source} has been paused for ${since}, ${jobs}: paytronix-segment resume --source ${source} lets it go on.${also}`,
  };
}

function byDelivery(lane: LaneStatus, also: string, nowMs: number): Floor {
  const waits = `${countText(lane.jobs, 'job')} of lane ${nameOf(lane)}, the oldest for ${ageText(nowMs - (lane.oldestAtMs ?? nowMs))}`;
  if (!lane.inHand) {
    return {
      heldBy: 'delivery',
      says: `Nobody delivers: no process has ${waits}, in hand. Start paytronix-segment run --role deliver.${also}`,
    };
  }
  return { heldBy: 'delivery', says: `Delivery works through a backlog: ${waits}.${also}` };
}

/** The lane whose oldest job is the oldest of all, if that is out of the ordinary. */
function waitingTooLong(lanes: readonly LaneStatus[], nowMs: number): LaneStatus | null {
  const waiting = lanes.filter(({ oldestAtMs }) => oldestAtMs !== null && nowMs - oldestAtMs > USUAL_WAIT_MS);
  return waiting.toSorted((a, b) => (a.oldestAtMs ?? 0) - (b.oldestAtMs ?? 0))[0] ?? null;
}

function usedUp(lanes: readonly LaneStatus[], budgets: StatusFacts['budgets']): boolean {
  const bytes = new Map<string, number>();
  for (const { source, waitingBytes } of lanes) bytes.set(source, (bytes.get(source) ?? 0) + waitingBytes);
  return [...bytes].some(([source, waiting]) => waiting > (budgets.get(source) ?? Number.POSITIVE_INFINITY));
}

function nameOf({ source, lane }: LaneStatus): string {
  return `${source}/${laneLabel(lane)}`;
}

function parkedOf({ sources }: DatabaseStatus): ReadonlySet<string> {
  return new Set(sources.flatMap(({ source, parked }) => (parked === null ? [] : [source])));
}

function byParked({ sources, replaySlot }: DatabaseStatus, nowMs: number): Floor | null {
  const parked = sources.flatMap((each) =>
    each.parked === null ? [] : [{ ...each.parked, source: each.source }],
  );
  const [longest, ...others] = parked.toSorted((a, b) => a.sinceUs - b.sinceUs);
  if (longest === undefined) return null;
  const who =
    others.length === 0 ? `Source ${longest.source}` : `Source ${longest.source} and ${others.length} more`;
  const kept = sizeText(replaySlot?.behindBytes ?? 0n);
  return {
    heldBy: 'parked',
    says: `${who}, past the queue budget, parked for ${ageText(nowMs - longest.sinceUs / 1_000)}: capture goes on for the others, and the replay slot keeps ${kept} of WAL.`,
  };
}

function byDistance({ slot, replaySlot, sources }: DatabaseStatus): Floor | null {
  const behind = slot?.behindBytes ?? 0n;
  if (behind > NEAR_BYTES) {
    return {
      heldBy: 'catching_up',
      says: `Capture is catching up: ${sizeText(behind)} of WAL are not confirmed yet.`,
    };
  }
  const trailing = replaySlot?.behindBytes ?? 0n;
  if (replaySlot !== null && trailing > NEAR_BYTES && sources.every(({ parked }) => parked === null)) {
    return {
      heldBy: 'replay_slot',
      says: `The replay slot trails by design: ${sizeText(trailing)} of WAL can be replayed (REPLAY_RETENTION).`,
    };
  }
  return null;
}
