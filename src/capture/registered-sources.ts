import type { Knex } from 'knex';
import type { Logger } from '../observability/logger.js';
import type { Checkpoint } from '../postgres/checkpoint-store.js';
import { REMOVED_GAP } from '../postgres/gap-reasons.js';
import { insertGap } from '../postgres/gap-store.js';
import { formatLsn } from '../postgres/lsn.js';
import {
  addSource,
  readSources,
  removeSource,
  type AddedState,
  type SourceState,
} from '../postgres/source-store.js';

export interface RegisterOptions {
  readonly knex: Knex;
  readonly slotName: string;
  /** Of the sources that are configured. */
  readonly names: readonly string[];
  readonly checkpoint: Pick<Checkpoint, 'lanes' | 'enabledFromLsn' | 'enabledFromUs'>;
  /** Where a source that is new begins: behind everything that was taken from the stream so far. */
  readonly at: AddedState;
  readonly logger: Logger;
}

/**
 * Writes down which sources take part from where. One that is new takes part from now on, whatever a healing or a replay reads
 * again; one that is configured no more is forgotten, with what it missed as a gap of its own.
 * @returns the states of the configured sources
 * @throws ConnectorError DATABASE_…
 */
export async function registerSources(options: RegisterOptions): Promise<readonly SourceState[]> {
  const { knex, slotName, names, logger } = options;
  const known = await readSources(knex, slotName);
  for (const state of known.values()) {
    if (state.added !== null && !names.includes(state.source)) await remove(state, options);
  }
  const states: SourceState[] = [];
  for (const source of names) {
    const state = known.get(source);
    if (state !== undefined && state.added !== null) {
      states.push(state);
      continue;
    }
    const added = wasThereBefore(source, state?.removed ?? false, options) ?? options.at;
    await addSource(knex, slotName, source, added);
    if (added === options.at)
      logger.info({ source, after: formatLsn(added.lsn) }, 'a source takes part from here on');
    states.push({ source, added, removed: false, parked: null, pausedAtUs: state?.pausedAtUs ?? null });
  }
  return states;
}

/** Since the slot was made: a connector's first sources, and those of a release that wrote nothing down. */
function wasThereBefore(
  source: string,
  removed: boolean,
  { checkpoint }: RegisterOptions,
): AddedState | null {
  const lanes = Object.keys(checkpoint.lanes);
  const first = lanes.length === 0;
  const queued = lanes.some((lane) => lane.slice(0, lane.lastIndexOf('/')) === source);
  if (removed || (!first && !queued)) return null;
  return { lsn: checkpoint.enabledFromLsn, atUs: checkpoint.enabledFromUs };
}

async function remove({ source, parked }: SourceState, options: RegisterOptions): Promise<void> {
  const { knex, slotName, at, logger } = options;
  await knex.transaction(async (transaction) => {
    if (parked !== null && parked.upTo < at.lsn) {
      await insertGap(transaction, {
        slotName,
        source,
        fromLsn: parked.upTo,
        toLsn: at.lsn,
        fromTimeUs: parked.commitTimeUs,
        toTimeUs: at.atUs,
        reason: REMOVED_GAP,
      });
    }
    await removeSource(transaction, slotName, source);
  });
  logger.info(
    { source, missed: parked !== null },
    'a source is configured no more: nothing further is queued for it, and what is queued stays',
  );
}
