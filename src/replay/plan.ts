import { customEventsOf, type Mapping } from '../mapping/mapping.js';
import type { Knex } from 'knex';
import { parsePosition, pointText, POSITION_FORMS, resolvePosition, type AskedPosition } from './position.js';
import { persistently, runPass, type PassContext } from './pass.js';
import { readWindow } from './read-window.js';
import type { Counts, ReplayArguments } from './run-store.js';
import { addTally, countingSink, SelectingSink, type Selection, type Tally } from './selection.js';
import { lsnAtTime } from './time-index.js';
import { rangeWithin, type ReplayRange, type ReplayWindow } from './window.js';
import { readSources } from '../postgres/source-store.js';
import { ConnectorError } from '../errors/connector-error.js';

/** @throws ConnectorError REPLAY_REFUSED for text that is no position */
export function positionOf(option: string, text: string): AskedPosition {
  const position = parsePosition(text);
  if (position !== null) return position;
  throw new ConnectorError(
    'REPLAY_REFUSED',
    `${option} is ${JSON.stringify(text.slice(0, 60))}; it must be ${POSITION_FORMS}`,
  );
}

/**
 * The window, and what of it is asked for: no more than what the source takes part in.
 * @throws ConnectorError REPLAY_WINDOW, REPLAY_REFUSED, DATABASE_…
 */
export async function planRange(
  knex: Knex,
  slotName: string,
  asked: Pick<ReplayArguments, 'from' | 'to'> & { readonly source: string },
  onWindow: (window: ReplayWindow) => void = () => undefined,
): Promise<{ window: ReplayWindow; range: ReplayRange }> {
  const from = positionOf('--from', asked.from);
  const to = asked.to === null ? null : positionOf('--to', asked.to);
  const window = await readWindow(knex, slotName);
  onWindow(window);
  const at = resolvePosition(from, window.nowUs);
  const before = at.tag === 'time' ? await lsnAtTime(knex, slotName, at.timeUs) : null;
  const range = rangeWithin(window, { from: at, to }, before);
  const added = (await readSources(knex, slotName)).get(asked.source)?.added ?? null;
  if (added === null || added.lsn <= range.from) return { window, range };
  if (added.lsn >= range.to) {
    throw new ConnectorError(
      'REPLAY_WINDOW',
      `source ${asked.source} was added at ${pointText(added.lsn, added.atUs)}, behind all that is asked for; what is older it is sent by paytronix-segment backfill`,
      { facts: { source: asked.source } },
    );
  }
  return { window, range: { ...range, from: added.lsn } };
}

export function selectionOf(
  { events, accounts }: Pick<ReplayArguments, 'events' | 'accounts'>,
  range: ReplayRange,
  idSuffix: string | null,
  mapping: Mapping | undefined,
): Selection {
  return {
    names: events.length === 0 ? null : new Set(events),
    accountIds: accounts.length === 0 ? null : new Set(accounts),
    fromTimeUs: range.fromTimeUs,
    toTimeUs: range.toTimeUs,
    idSuffix,
    ...(mapping === undefined ? {} : { customNames: customEventsOf(mapping).map(({ name }) => name) }),
  };
}

/** Reads a range once without sending anything: how many commits, and which calls. */
export async function countRange(
  context: PassContext,
  range: ReplayRange,
  selection: Selection,
  signal: AbortSignal,
  onProgress: (commits: number) => void,
): Promise<Counts> {
  let commits = 0;
  let calls: Tally = new Map();
  await persistently(context, signal, async () => {
    commits = 0;
    calls = new Map();
    await runPass(context, {
      range,
      signal,
      sink: new SelectingSink({
        selection,
        inner: countingSink,
        onSettled: (_endLsn, tally) => addTally(calls, tally),
      }),
      onCommit: (_transaction, inRange) => {
        if (!inRange) return;
        commits += 1;
        onProgress(commits);
      },
      onSettled: () => undefined,
    });
  });
  return { commits, calls: Object.fromEntries(calls) };
}
