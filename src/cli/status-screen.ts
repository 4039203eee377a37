import { formatLsn, type Lsn } from '../postgres/lsn.js';
import type { SlotState } from '../postgres/slot.js';
import { laneLabel } from '../queue/side-lanes.js';
import type { LaneStatus, QueueStatus } from '../queue/status.js';
import type { CheckpointStatus, DatabaseStatus } from '../status/database-status.js';
import type { Floor } from '../status/floor.js';
import type { StatusFacts } from '../status/status.js';
import { ageText, countText, sizeText } from '../status/words.js';
import type { Style } from './style.js';

const NAME_WIDTH = 34;

/** The status for a person, and in its last line who holds the floor. */
export function renderStatus(facts: StatusFacts, floor: Floor, style: Style): string {
  const { database, queue, nowMs, pausedByFile = NOBODY } = facts;
  const calm = floor.heldBy === 'nothing' || floor.heldBy === 'replay_slot';
  const lines = [
    ...(database.tag === 'answered'
      ? databaseLines(database.value, pausedByFile, style)
      : [style.bold('PostgreSQL'), `  ${style.red(`does not answer: ${database.reason}`)}`]),
    '',
    ...(queue.tag === 'answered'
      ? queueLines(queue.value, nowMs, style)
      : [style.bold('Redis'), `  ${style.red(`does not answer: ${queue.reason}`)}`]),
    '',
    calm ? style.green(floor.says) : style.yellow(floor.says),
  ];
  return `${lines.join('\n')}\n`;
}

const NOBODY: ReadonlySet<string> = new Set();

function databaseLines(status: DatabaseStatus, pausedByFile: ReadonlySet<string>, style: Style): string[] {
  const { server, slotName, slot, replaySlot, checkpoint, openGaps, suppressedGuests } = status;
  const where = `${server.inRecovery ? 'standby, ' : ''}database ${server.database}, WAL at ${formatLsn(server.walLsn)}`;
  return [
    `${style.bold(`PostgreSQL ${server.version}`)}, ${where}`,
    row(`slot ${slotName}`, slotText(slot)),
    row(`slot ${slotName}_replay`, slotText(replaySlot)),
    row('checkpoint', checkpointText(checkpoint, server.nowMs)),
    row('open gaps', openGaps.length === 0 ? 'none' : openGaps.map(gapText).join('; ')),
    row('suppressed guests', String(suppressedGuests)),
    ...sourceLines(status, pausedByFile, style),
    ...transactionLines(status),
  ];
}

function slotText(slot: SlotState | null): string {
  if (slot === null) return 'there is none';
  const { active, activePid, walStatus, confirmedFlushLsn, behindBytes, retainedBytes, invalidationReason } =
    slot;
  return [
    active ? `held by PID ${activePid ?? '?'}` : 'held by nobody',
    `WAL ${walStatus ?? 'unknown'}${invalidationReason === null ? '' : ` (${invalidationReason})`}`,
    `at ${confirmedFlushLsn === null ? 'no position' : formatLsn(confirmedFlushLsn)}`,
    `${sizeText(behindBytes ?? 0n)} behind`,
    `keeps ${sizeText(retainedBytes ?? 0n)}`,
  ].join(', ');
}

function checkpointText(checkpoint: CheckpointStatus | null, nowMs: number): string {
  if (checkpoint === null) return 'there is none: paytronix-segment setup makes it';
  const { endLsn, commitTimeMs, deliveredLsn } = checkpoint;
  const commit = commitTimeMs === null ? '' : ` (last commit ${ageText(nowMs - commitTimeMs)} ago)`;
  const delivered = deliveredLsn === null ? '' : `, delivered up to ${formatLsn(deliveredLsn)}`;
  return `queued up to ${formatLsn(endLsn)}${commit}${delivered}`;
}

function gapText({
  fromLsn,
  toLsn,
  reason,
}: {
  fromLsn: Lsn | null;
  toLsn: Lsn | null;
  reason: string;
}): string {
  const text = (lsn: Lsn | null): string => (lsn === null ? '?' : formatLsn(lsn));
  return `${text(fromLsn)} to ${text(toLsn)} (${reason})`;
}

/** Only those that do not simply take part. */
function sourceLines(
  { sources, server }: DatabaseStatus,
  pausedByFile: ReadonlySet<string>,
  style: Style,
): string[] {
  const ago = (sinceUs: number): string => ageText(server.nowMs - sinceUs / 1_000);
  // One that has not run yet is not written down.
  const unknown = [...pausedByFile].filter((name) => !sources.some(({ source }) => source === name));
  const all = [...sources, ...unknown.map((source) => ({ source, parked: null, pausedAtUs: null }))];
  return all.flatMap(({ source, parked, pausedAtUs }) => {
    const texts = [
      ...(pausedByFile.has(source) ? ['paused by its configuration'] : []),
      ...(pausedAtUs === null ? [] : [`paused for ${ago(pausedAtUs)}`]),
      ...(parked === null
        ? []
        : [
            `parked for ${ago(parked.sinceUs)}: past its queue budget, queued up to ${formatLsn(parked.upTo)}`,
          ]),
    ];
    return texts.length === 0 ? [] : [row(`source ${source}`, style.yellow(texts.join('; ')))];
  });
}

function transactionLines({ transaction }: DatabaseStatus): string[] {
  if (transaction === null) return [];
  const { pid, gid, applicationName, openForMs } = transaction;
  const who = pid === null ? `prepared as ${gid ?? '?'}` : `PID ${pid}, ${applicationName || 'unnamed'}`;
  return [row('oldest open transaction', `${who}, open for ${ageText(openForMs)}`)];
}

function queueLines(status: QueueStatus, nowMs: number, style: Style): string[] {
  const { memory, lanes, notes, deadLetters, suppressedGuests, listedGuests } = status;
  const limit = memory.maxBytes === 0 ? 'no limit' : sizeText(memory.maxBytes);
  const letters = Object.entries(deadLetters).map(([source, count]) => `${source} ${count}`);
  return [
    `${style.bold('Redis')}, ${sizeText(memory.usedBytes)} in use, ${limit}`,
    ...lanes.filter(isWorthALine).map((lane) => row(`lane ${nameOf(lane)}`, laneText(lane, nowMs))),
    ...notes.map(({ source, lane, state, why, sinceMs }) =>
      row(
        lane === null ? `source ${source}` : `lane ${source}/${laneLabel(lane)}`,
        style.yellow(
          `${state === 'stopped' ? 'stands still' : 'is not taken'}: ${why}, for ${ageText(nowMs - sinceMs)}`,
        ),
      ),
    ),
    row('dead letters', letters.join(', ')),
    row('suppressed guests', String(suppressedGuests)),
    ...(listedGuests === null ? [] : [row('on the suppression list', countText(listedGuests, 'guest'))]),
  ];
}

/** The side lanes only where something was ever sent in them. */
function isWorthALine({ lane, jobs, queuedSeq, deliveredSeq }: LaneStatus): boolean {
  return laneLabel(lane) === String(lane) || jobs + queuedSeq + deliveredSeq > 0;
}

function laneText(lane: LaneStatus, nowMs: number): string {
  const { queuedSeq, deliveredSeq, jobs, oldestAtMs, inHand, hole } = lane;
  const waiting =
    jobs === 0
      ? 'nothing waits'
      : `${countText(jobs, 'job')} of ${sizeText(lane.waitingBytes)}, the oldest for ${ageText(nowMs - (oldestAtMs ?? nowMs))}`;
  const hand = jobs === 0 ? '' : inHand ? ', in hand' : ', in nobody’s hand';
  return `queued ${queuedSeq}, delivered ${deliveredSeq}: ${waiting}${hand}${hole ? ', a job is missing' : ''}`;
}

function nameOf({ source, lane }: LaneStatus): string {
  return `${source}/${laneLabel(lane)}`;
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(NAME_WIDTH)}${text}`;
}

/** The same for a script. Sizes are numbers of bytes, positions texts, times milliseconds since 1970. */
export function statusJson(
  { database, queue, nowMs, pausedByFile = NOBODY }: StatusFacts,
  floor: Floor,
): string {
  const lanes =
    queue.tag === 'answered'
      ? queue.value.lanes.map(({ mark: _mark, history: _history, ...lane }) => ({
          ...lane,
          lane: laneLabel(lane.lane),
        }))
      : [];
  const status = {
    floor,
    atMs: nowMs,
    pausedByConfiguration: [...pausedByFile],
    postgres: database.tag === 'answered' ? databaseJson(database.value) : null,
    redis: queue.tag === 'answered' ? { ...queue.value, lanes } : null,
    away: {
      postgres: database.tag === 'away' ? database.reason : null,
      redis: queue.tag === 'away' ? queue.reason : null,
    },
  };
  return `${JSON.stringify(status, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value), 2)}\n`;
}

function databaseJson(status: DatabaseStatus): object {
  const { server, slot, replaySlot, checkpoint, openGaps, sources } = status;
  const text = (lsn: Lsn | null): string | null => (lsn === null ? null : formatLsn(lsn));
  const slotJson = (state: SlotState | null): object | null =>
    state === null
      ? null
      : {
          ...state,
          restartLsn: text(state.restartLsn),
          confirmedFlushLsn: text(state.confirmedFlushLsn),
        };
  return {
    ...status,
    server: { ...server, walLsn: text(server.walLsn) },
    slot: slotJson(slot),
    replaySlot: slotJson(replaySlot),
    checkpoint:
      checkpoint === null
        ? null
        : {
            ...checkpoint,
            endLsn: text(checkpoint.endLsn),
            deliveredLsn: text(checkpoint.deliveredLsn),
          },
    sources: sources.map(({ added, parked, ...rest }) => ({
      ...rest,
      added: added === null ? null : { ...added, lsn: text(added.lsn) },
      parked: parked === null ? null : { ...parked, upTo: text(parked.upTo) },
    })),
    openGaps: openGaps.map((gap) => ({ ...gap, fromLsn: text(gap.fromLsn), toLsn: text(gap.toLsn) })),
  };
}
