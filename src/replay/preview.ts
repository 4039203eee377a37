import type { Derived } from '../events/event.js';
import { parseLsn } from '../postgres/lsn.js';
import { rowOf } from '../postgres/query.js';
import { CURRENT_LSN, isInvalidated, readSlot } from '../postgres/slot.js';
import type { EventSink } from '../queue/sink.js';
import { runPass, type PassContext } from './pass.js';
import { positionOf } from './plan.js';
import { resolvePosition } from './position.js';
import { readWindow } from './read-window.js';
import { SelectingSink, type Selection } from './selection.js';
import { lsnAtTime } from './time-index.js';
import { rangeWithin, type ReplayRange } from './window.js';

export interface PreviewOptions {
  /** Its slot is the replay slot. */
  readonly context: PassContext;
  readonly mainSlotName: string;
  /** As for a replay; null: the oldest the WAL holds. */
  readonly from: string | null;
  /** Calls shown at most. */
  readonly limit: number;
  readonly onCall: (call: Derived, source: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Derives what would be sent of the commits from a position up to now, and hands over the first of it. Sends nothing and
 * confirms nothing; the slot it reads is a temporary copy that ends with the connection. Without a replay slot (the
 * connector has not run yet) it reads a copy of the main one: what waits to be sent.
 * @throws ConnectorError REPLAY_WINDOW, REPLAY_REFUSED, SLOT_MISSING, DATABASE_…
 */
export async function preview(options: PreviewOptions): Promise<{ readonly shown: number }> {
  const { limit, onCall, signal } = options;
  const { context, range } = await previewRange(options);
  const selection: Selection = {
    names: null,
    accountIds: null,
    fromTimeUs: range.fromTimeUs,
    toTimeUs: null,
    idSuffix: null,
  };
  let shown = 0;
  const enough = new AbortController();
  const show: EventSink = {
    offer: async (offered) => {
      for (const call of offered.calls) {
        if (shown >= limit) break;
        shown += 1;
        onCall(call, offered.source);
      }
      if (shown >= limit) enough.abort();
      offered.settled();
    },
    flush: async () => undefined,
  };
  await runPass(context, {
    range,
    sink: new SelectingSink({ selection, inner: show, onSettled: () => undefined }),
    onCommit: () => undefined,
    onSettled: () => undefined,
    signal: AbortSignal.any([signal, enough.signal]),
  });
  return { shown };
}

async function previewRange({
  context,
  mainSlotName,
  from,
}: PreviewOptions): Promise<{ context: PassContext; range: ReplayRange }> {
  const { knex } = context;
  const { now } = await rowOf<{ now: string }>(
    knex,
    'reading the position',
    `SELECT ${CURRENT_LSN}::text AS now`,
  );
  const to = parseLsn(now);
  const open = { to, fromTimeUs: null, toTimeUs: null };
  const main = await readSlot(knex, mainSlotName);
  const held = await readSlot(knex, context.slotName);
  const confirmed = main?.confirmedFlushLsn ?? null;
  if (held === null && from === null && main !== null && confirmed !== null && !isInvalidated(main)) {
    return { context: { ...context, slotName: mainSlotName }, range: { ...open, from: confirmed } };
  }
  const window = { ...(await readWindow(knex, mainSlotName)), to };
  if (from === null) return { context, range: { ...open, from: window.from } };
  const at = resolvePosition(positionOf('--from', from), window.nowUs);
  const before = at.tag === 'time' ? await lsnAtTime(knex, mainSlotName, at.timeUs) : null;
  return { context, range: rangeWithin(window, { from: at, to: null }, before) };
}
