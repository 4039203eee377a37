import { hash } from 'node:crypto';
import { EVENT_NAMES, type Derived, type MessageId } from '../events/event.js';
import { fits } from '../events/shrink.js';
import type { Lsn } from '../postgres/lsn.js';
import type { EventSink, OfferedTransaction } from '../queue/sink.js';

/** Which of the derived calls are sent again. */
export interface Selection {
  /** Names of events, each with the identify call that belongs to it, custom ones among them; `identify` alone: identify calls. Null: all. */
  readonly names: ReadonlySet<string> | null;
  readonly accountIds: ReadonlySet<string> | null;
  /** Microseconds since 1970, both inclusive; null: open. */
  readonly fromTimeUs: number | null;
  readonly toTimeUs: number | null;
  /** Put behind every message id, so that Segment takes the calls for new ones; null: the ids as they were. */
  readonly idSuffix: string | null;
  /** Names of the custom events, in the order in which they are declared. Default: there are none. */
  readonly customNames?: readonly string[];
}

/** Calls by name; those set aside count under `rejected`. */
export type Tally = Map<string, number>;

export interface SelectingSinkOptions {
  readonly selection: Selection;
  readonly inner: EventSink;
  /** What was selected of the transaction that ends there, called when all of it (or of one slice) has settled. */
  readonly onSettled: (endLsn: Lsn, tally: Tally) => void;
}

/** Passes on what is selected, and counts it. */
export class SelectingSink implements EventSink {
  readonly #options: SelectingSinkOptions;

  constructor(options: SelectingSinkOptions) {
    this.#options = options;
  }

  async offer(offered: OfferedTransaction): Promise<void> {
    const { selection, inner, onSettled } = this.#options;
    const tally: Tally = new Map();
    await inner.offer({
      ...offered,
      calls: select(offered, selection, tally),
      settled: () => {
        if (tally.size > 0) onSettled(offered.endLsn, tally);
        offered.settled();
      },
    });
  }

  async flush(): Promise<void> {
    await this.#options.inner.flush();
  }
}

/** Takes every call and keeps none: what a first look counts with. */
export const countingSink: EventSink = {
  offer: async (offered) => {
    // Taking a call is what derives and counts it.
    for (const call of offered.calls) void call;
    offered.settled();
  },
  flush: async () => undefined,
};

export function addTally(total: Tally, tally: ReadonlyMap<string, number>): void {
  for (const [name, count] of tally) total.set(name, (total.get(name) ?? 0) + count);
}

function* select(offered: OfferedTransaction, selection: Selection, tally: Tally): Generator<Derived> {
  const { fromTimeUs, toTimeUs, idSuffix } = selection;
  const wanted =
    (fromTimeUs === null || offered.commitTimeUs >= fromTimeUs) &&
    (toTimeUs === null || offered.commitTimeUs <= toTimeUs);
  if (!wanted) return;
  for (const call of offered.calls) {
    if (!isSelected(call, selection)) continue;
    const sent = idSuffix === null ? call : withNewId(call, idSuffix);
    const counted = sent.tag === 'rejected' ? 'rejected' : shownName(sent, selection);
    tally.set(counted, (tally.get(counted) ?? 0) + 1);
    yield sent;
  }
}

/** A custom event's own. */
function shownName({ name, rank }: Derived, { customNames = [] }: Selection): string {
  return name === 'custom' ? (customNames[rank.kind - EVENT_NAMES.length] ?? name) : name;
}

function isSelected(call: Derived, selection: Selection): boolean {
  const { names, accountIds } = selection;
  const event = EVENT_NAMES[call.rank.kind] ?? shownName(call, selection);
  if (names !== null && !names.has(call.name) && !names.has(event)) return false;
  if (accountIds === null) return true;
  // `<merchant>:<account>`, of which only the account may hold a colon; `<merchant>:<table>:<key>` without an account.
  return accountIds.has(call.accountKey.slice(call.accountKey.indexOf(':') + 1));
}

const MAX_ID_CHARS = 99;

/** A new id that the old one and the suffix alone decide, so that a resumed run gives the same. Under 100 characters. */
export function newMessageId(id: string, suffix: string): MessageId {
  if (id.length + suffix.length <= MAX_ID_CHARS) return `${id}${suffix}` as MessageId;
  const digest = `h${hash('sha256', id).slice(0, 40)}`;
  return `${id.slice(0, MAX_ID_CHARS - digest.length - suffix.length)}${digest}${suffix}` as MessageId;
}

function withNewId(call: Derived, suffix: string): Derived {
  const messageId = newMessageId(call.messageId, suffix);
  const json = call.json.replace(
    `"messageId":${JSON.stringify(call.messageId)}`,
    () => `"messageId":${JSON.stringify(messageId)}`,
  );
  if (call.tag === 'rejected' || fits(json)) return { ...call, messageId, json };
  return {
    ...call,
    tag: 'rejected',
    messageId,
    json,
    reason: 'too_large',
    detail: 'over 32 KB with the longer message id',
  };
}
