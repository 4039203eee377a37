import type { Knex } from 'knex';

import { ConnectorError } from '../errors/connector-error.js';
import type { Mapping } from '../mapping/mapping.js';
import type { compareStart } from '../replication/startup.js';
import { readCheckpoint, type Checkpoint } from './checkpoint-store.js';
import type { DatabaseOptions } from './connection.js';
import { comparePublication, readPublication, type PublicationFingerprint } from './publication.js';
import { onlyAdds } from './publication-change.js';
import { rowOf } from './query.js';
import { describeGap, type StartDecision } from './setup-plan.js';
import { readSlot, type SlotState } from './slot.js';
import type { SystemState } from './system.js';

export interface SetupOptions {
  readonly database: DatabaseOptions;
  readonly publicationName: string;
  readonly slotName: string;
  /** Default: the tables are the reference schema's. */
  readonly mapping?: Mapping;
  /** Publish whole tables: their owner can then drop and alter columns freely. Default false. */
  readonly wholeTables?: boolean;
  /** Keep the slot on physical standbys too, where the server can (17 and newer). Default true. */
  readonly failover?: boolean;
  /** Record what was lost as a gap and go on from now, instead of refusing. Default false. */
  readonly acceptGap?: boolean;
  /** What a checkpoint, slot and server together mean: `compareStart` of the replication room. */
  readonly compareStart: typeof compareStart;
  /** Makes the replay slot, or says why not: `setUpReplaySlot` of the replay room. Default: there is none. */
  readonly replaySlot?: (
    knex: Knex,
    options: { readonly database: DatabaseOptions; readonly slotName: string; readonly anew: boolean },
  ) => Promise<StepReport>;
  /** Called after each step, so that what was done is known even when a later one fails. */
  readonly onStep?: (report: StepReport) => void;
}

export interface StepReport {
  readonly step: 'schema' | 'publication' | 'replica identity' | 'slot' | 'replay slot' | 'baseline' | 'gap';
  readonly did: 'created' | 'changed' | 'kept';
  /** One sentence for the operator. */
  readonly detail: string;
}

/** Publications can have column lists, and pg_publication_tables shows them, since 15. */
export const OLDEST_VERSION = 150_000;

/** What set-up finds before it changes anything. */
export interface State {
  readonly system: SystemState;
  readonly checkpoint: Checkpoint | null;
  readonly slot: SlotState | null;
  readonly publication: PublicationFingerprint | null;
  readonly decision: StartDecision;
  /** Differences between the publication the checkpoint knows and the one there is, where rows may be lost by them. */
  readonly drift: readonly string[];
  /** As `drift`, where it only sends more. */
  readonly added: readonly string[];
  /**
   * The slot is older than the publication: before 18 the server refuses to stream from it, from 18 on it leaves out
   * whatever changed before the publication was there.
   */
  readonly slotOlderThanPublication: boolean;
}

export async function readState(knex: Knex, options: SetupOptions, system: SystemState): Promise<State> {
  const checkpoint = await readCheckpoint(knex, options.slotName);
  const slot = await readSlot(knex, options.slotName);
  const publication = await readPublication(knex, options.publicationName);
  const differences = checkpoint === null ? [] : comparePublication(checkpoint.publication, publication);
  const harmless = checkpoint !== null && onlyAdds(checkpoint.publication, publication);
  return {
    system,
    checkpoint,
    slot,
    publication,
    decision: options.compareStart({ checkpoint, slot, system }),
    drift: harmless ? [] : differences,
    added: harmless ? differences : [],
    slotOlderThanPublication:
      slot !== null &&
      (publication === null || (checkpoint !== null && checkpoint.publication.oid !== publication.oid)),
  };
}

/** @throws ConnectorError SETUP_REFUSED */
export async function refuseUnfitServer(knex: Knex, system: SystemState): Promise<void> {
  if (system.versionNumber < OLDEST_VERSION) {
    throw new ConnectorError('SETUP_REFUSED', 'the server is older than PostgreSQL 15');
  }
  if (system.inRecovery) {
    throw new ConnectorError('SETUP_REFUSED', 'the server is a standby; DATABASE_URL must name the primary');
  }
  const { level } = await rowOf<{ level: string }>(
    knex,
    'reading wal_level',
    `SELECT current_setting('wal_level') AS level`,
  );
  if (level !== 'logical') {
    throw new ConnectorError(
      'SETUP_REFUSED',
      `wal_level is ${level}; run ALTER SYSTEM SET wal_level = 'logical' and restart the server`,
    );
  }
}

/**
 * Refuses when commits are or may be missing and nobody accepted that. A slot that is somebody else's is never touched.
 * @throws ConnectorError SETUP_REFUSED
 */
export function refuseUnlessAccepted(state: State, options: SetupOptions): void {
  const { decision, drift, slot } = state;
  if (decision.tag === 'gap' && decision.reason === 'slot-foreign') {
    throw new ConnectorError(
      'SETUP_REFUSED',
      `slot ${options.slotName} belongs to something else: it is of plugin ${slot?.plugin ?? 'none'} in database ${slot?.database ?? 'none'}; set SLOT_NAME to a name that is free`,
    );
  }
  const problems = lossesOf(state);
  if (problems.length === 0 || options.acceptGap === true) return;
  throw new ConnectorError(
    'SETUP_REFUSED',
    `commits may be missing: ${problems.join('; ')}; paytronix-segment setup --accept-gap records the gap and goes on from now`,
    {
      facts: { slot: options.slotName, publication: options.publicationName, differences: drift.length },
    },
  );
}

function lossesOf({ decision, drift, slotOlderThanPublication }: State): string[] {
  const losses = [...drift];
  if (decision.tag === 'gap') losses.unshift(describeGap(decision));
  if (slotOlderThanPublication && drift.length === 0) losses.push('the slot is older than the publication');
  return losses;
}
