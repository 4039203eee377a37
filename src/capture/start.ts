import type { Knex } from 'knex';
import { ConnectorError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import type { Logger } from '../observability/logger.js';
import { readCheckpoint, type Checkpoint } from '../postgres/checkpoint-store.js';
import type { DatabaseOptions } from '../postgres/connection.js';
import { gapCommands, gapFacts } from '../postgres/gap-advice.js';
import { formatLsn, ZERO_LSN, type Lsn } from '../postgres/lsn.js';
import { comparePublication, readPublication, type PublicationFingerprint } from '../postgres/publication.js';
import { onlyAdds, sendsAll } from '../postgres/publication-change.js';
import { describeGap } from '../postgres/setup-plan.js';
import { readSlot } from '../postgres/slot.js';
import { readSystem, type SystemState } from '../postgres/system.js';
import { compareStart, type Gap, type StartDecision } from '../replication/startup.js';
import type { CaptureObserver } from './observer.js';

export interface StartOptions {
  readonly database: DatabaseOptions;
  readonly knex: Knex;
  readonly slotName: string;
  readonly publicationName: string;
  readonly logger: Logger;
}

export interface Start {
  readonly checkpoint: Checkpoint;
  readonly system: SystemState;
  /** Lane marks beyond this are of a history that ended with a failover; null: all of them hold. */
  readonly trustMarksUpTo: Lsn | null;
}

/**
 * Reads slot, checkpoint, publication and server, and says whether capture may go on from here.
 * @throws ConnectorError CAPTURE_GAP naming what may be missing, PUBLICATION_CHANGED, SLOT_MISSING (set-up was not run)
 */
export async function compareAtStart(options: StartOptions): Promise<Start> {
  const { knex, slotName, logger } = options;
  // The slot before the checkpoint: a running holder moves the checkpoint first, so read the other way round a healthy
  // pair could look like a slot that ran ahead.
  const slot = await readSlot(knex, slotName);
  const checkpoint = await readCheckpoint(knex, slotName);
  // The server last: a running holder moves the checkpoint on, and a server seen before that would seem to stand behind it.
  const system = await readSystem(knex, options.database);
  // A failover under way: whoever leads us here promotes it, or leads us on.
  if (system.inRecovery) {
    throw new ConnectorError('SERVER_IN_RECOVERY', 'the server is a standby that was not promoted', {
      facts: { slot: slotName },
    });
  }
  const decision = compareStart({ checkpoint, slot, system });
  switch (decision.tag) {
    case 'setup-needed':
      throw new ConnectorError('SLOT_MISSING', `there is no replication slot ${slotName}`, {
        facts: { slot: slotName },
      });
    case 'first-run':
      throw new ConnectorError('CHECKPOINT_MISSING', `slot ${slotName} has no checkpoint`, {
        facts: { slot: slotName },
      });
    case 'gap':
      throw gapFound(slotName, decision, checkpoint?.enabledFromUs ?? null);
    case 'continue':
      break;
    case 'slot-behind':
      logger.info(
        { slot: slotName, from: formatLsn(decision.startLsn), queuedUpTo: formatLsn(decision.queuedUpTo) },
        'the server sends again what is queued; lane marks skip it',
      );
      break;
    case 'failover':
      logger.warn(
        { slot: slotName, from: formatLsn(decision.startLsn), fromTimeline: decision.fromTimeline },
        'the server is on a new timeline and the slot came along; going on',
      );
      break;
    default:
      decision satisfies never;
  }
  if (checkpoint === null)
    throw new ConnectorError('CHECKPOINT_MISSING', `slot ${slotName} has no checkpoint`);
  await publicationNow(options, checkpoint.publication);
  return { checkpoint, system, trustMarksUpTo: trustedMarks(checkpoint, decision) };
}

/**
 * A checkpoint without lanes is a baseline: nothing was queued since, so whatever marks Redis holds are of another
 * history (another cluster, a server set back, a first try long ago), and their positions may lie ahead of new commits.
 */
function trustedMarks(checkpoint: Checkpoint, decision: StartDecision): Lsn | null {
  if (Object.keys(checkpoint.lanes).length === 0) return ZERO_LSN;
  return decision.tag === 'failover' ? decision.queuedUpTo : null;
}

function gapFound(slotName: string, gap: Gap, enabledFromUs: number | null): ConnectorError {
  const span = {
    fromLsn: gap.from,
    toLsn: gap.to,
    fromTimeUs: gap.fromTimeUs ?? enabledFromUs,
    toTimeUs: gap.toTimeUs,
  };
  const commands = gapCommands(span);
  return new ConnectorError(
    'CAPTURE_GAP',
    `commits may not have been sent, ${describeGap(gap)}; fill it with ${commands.recover}`,
    { facts: { slot: slotName, reason: gap.reason, ...gapFacts(span).facts, ...commands } },
  );
}

/**
 * What is published now, where nothing was lost since it was `known`: more was added to it, or set-up changed it, which
 * stores what it publishes in the transaction that publishes it.
 * @throws ConnectorError PUBLICATION_CHANGED
 */
async function publicationNow(
  { knex, publicationName, slotName, logger }: StartOptions,
  known: PublicationFingerprint,
): Promise<PublicationFingerprint> {
  const current = await readPublication(knex, publicationName);
  const differences = comparePublication(known, current);
  if (current !== null && differences.length === 0) return known;
  const changes = differences.join('; ');
  const facts = { publication: publicationName, differences: differences.length };
  // Read after the publication, so that it is not older.
  const stored = current === null ? null : await readCheckpoint(knex, slotName);
  const bySetUp = stored !== null && comparePublication(stored.publication, current).length === 0;
  if (current !== null && (onlyAdds(known, current) || (bySetUp && sendsAll(known, current)))) {
    logger.info(
      { publication: publicationName, changes },
      'more is published than before, and nothing was lost by it; a mapping that needs it is taken at the next start',
    );
    return current;
  }
  const why = bySetUp ? 'set-up was run with another configuration' : 'it is not what it was';
  throw new ConnectorError('PUBLICATION_CHANGED', `publication ${publicationName}: ${why}: ${changes}`, {
    facts,
  });
}

export interface WatchOptions extends StartOptions {
  readonly stored: PublicationFingerprint;
  readonly clock: Clock;
  readonly observer: CaptureObserver;
  /** Default 5,000. */
  readonly watchMs?: number;
}

/**
 * Reads the publication and the slot every few seconds. On PostgreSQL 18 a publication dropped and made again, or a
 * table taken out and put back, loses rows with no more than a warning in the server's log.
 * @throws ConnectorError PUBLICATION_CHANGED
 */
export async function watchPublication(options: WatchOptions, signal: AbortSignal): Promise<void> {
  const { knex, stored, clock, logger, observer, slotName } = options;
  let known = stored;
  while (!signal.aborted) {
    try {
      known = await publicationNow(options, known);
      observer.slot?.(await readSlot(knex, slotName));
    } catch (error) {
      const retry = error instanceof ConnectorError && error.action === 'retry';
      if (!retry) throw error;
      logger.debug({ code: error.code }, 'the publication could not be read; trying again');
    }
    await clock.sleep(options.watchMs ?? 5_000, signal);
  }
}
