import type { Delivery } from './deliveries.js';

/**
 * Why calls may come again. `requests`: a strike after which the sender could not know, or had not written down, that at most
 * so many requests had been taken. `queue`: Redis lost what it held. `recovery`: a person had a gap filled from the tables.
 */
export type Cause = CauseOf<'requests', { readonly most: number }> | ContentCause;

/** What comes again is known by when it was committed. */
type ContentCause =
  | CauseOf<'queue', { readonly committedAfterMs: number }>
  | CauseOf<'recovery', { readonly committedAfterMs: number }>;

type CauseOf<Tag extends string, More> = Span & More & { readonly tag: Tag; readonly label: string };

/** Milliseconds since 1970. */
interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

export type RepeatClass = 'answers' | Cause['tag'];

export interface RepeatsOptions {
  readonly deliveries: readonly Delivery[];
  /** Requests whose answer left the sender in doubt. */
  readonly doubtful: ReadonlySet<number>;
  readonly causes: readonly Cause[];
  /** Strikes after which what was being derived or sent again may have been begun once more. */
  readonly interruptions: readonly (Span & { readonly interruptsCapture: boolean })[];
  /** Of each call the rows imply: how many imply it, and the first one's commit; null: not known. */
  readonly implied: ReadonlyMap<string, { readonly rows: number; readonly commitAtMs: number | null }>;
}

export interface Repeats {
  /** Calls that came again, and the most that may have. */
  readonly classes: Readonly<Record<RepeatClass, { readonly came: number; readonly allowed: number }>>;
  readonly findings: readonly string[];
}

/** A request may wait for its answer, and an answer for its note in Redis, before the strike that takes it. */
const LEAD_MS = 3_000;
/** A request that was held up on its way may arrive, and its sender give up, once the way is open again. */
const TRAIL_MS = 5_000;
/** A refused source is tried again each minute only, and a lock of a dead worker lasts for some seconds. */
const SOON_MS = 120_000;
/** Between what the checkpoint says to be delivered and what is on its way from before. */
const SETTLE_MS = 10_000;

/** Explains each call that came again by what had struck, and names those that nothing explains. */
export function judgeRepeats(options: RepeatsOptions): Repeats {
  const { doubtful, implied } = options;
  // As they were sent: one that is taken late was sent before its own repetition.
  const deliveries = options.deliveries.toSorted((a, b) => a.requestNo - b.requestNo);
  const came: Record<RepeatClass, number> = { answers: 0, requests: 0, queue: 0, recovery: 0 };
  const again = new AgainOf(options);
  const before = new Map<string, Delivery[]>();
  const unexplained = new Map<string, Delivery[]>();
  const distinct = new Map<string, number>();
  for (const delivery of deliveries) {
    const { messageId } = delivery;
    const earlier = before.get(keyOf(delivery)) ?? [];
    const last = earlier.at(-1);
    if (last === undefined) {
      before.set(keyOf(delivery), [delivery]);
      distinct.set(messageId, (distinct.get(messageId) ?? 0) + 1);
    } else {
      if (doubtful.has(last.requestNo)) came.answers += 1;
      else {
        const cause = again.causeOf(delivery, earlier, last);
        if (cause !== null) came[cause] += 1;
        else unexplained.set(messageId, [...(unexplained.get(messageId) ?? []), delivery]);
      }
      earlier.push(delivery);
    }
  }
  // Several rows may imply the same call, even with the same time: it comes once for each.
  const beyond = [...unexplained].flatMap(([messageId, each]) =>
    each.slice(Math.max(0, (implied.get(messageId)?.rows ?? 1) - (distinct.get(messageId) ?? 1))),
  );
  return {
    classes: {
      answers: {
        came: came.answers,
        allowed: deliveries.filter((each) => doubtful.has(each.requestNo)).length,
      },
      requests: { came: came.requests, allowed: again.allowed('requests') },
      queue: { came: came.queue, allowed: again.allowed('queue') },
      recovery: { came: came.recovery, allowed: again.allowed('recovery') },
    },
    findings: [...again.tooMany(), ...toldByRequest(beyond, before)],
  };
}

function keyOf({ messageId, timestamp }: Delivery): string {
  return `${messageId} ${timestamp}`;
}

class AgainOf {
  readonly #options: RepeatsOptions;
  /** Requests whose calls came again, by the strike that explains it. */
  readonly #requests = new Map<Cause, Set<number>>();
  /** How often a call came again by what a cause brings: what an answer or a request explains is no part of that. */
  readonly #brought = new Map<Cause, Map<string, number>>();

  constructor(options: RepeatsOptions) {
    this.#options = options;
  }

  causeOf(delivery: Delivery, earlier: readonly Delivery[], last: Delivery): Cause['tag'] | null {
    const fits = this.#options.causes.filter((cause) =>
      cause.tag === 'requests'
        ? isInDoubt(cause, last.atMs) && delivery.atMs <= cause.untilMs + SOON_MS
        : this.#isOfContent(cause, delivery, earlier),
    );
    // What tells by its content goes first: it does not use up what one request explains.
    const content = fits.find(({ tag }) => tag !== 'requests');
    if (content !== undefined) {
      const brought = this.#brought.get(content) ?? new Map<string, number>();
      this.#brought.set(content, brought.set(keyOf(delivery), (brought.get(keyOf(delivery)) ?? 0) + 1));
      return content.tag;
    }
    const causes = fits.filter((cause) => cause.tag === 'requests');
    const takenBy = (cause: Cause): ReadonlySet<number> => this.#requests.get(cause) ?? new Set();
    // However often it is tried again, it is the same request that is in doubt.
    const requestNo = earlier[0]?.requestNo ?? last.requestNo;
    const chosen =
      causes.find((cause) => takenBy(cause).has(requestNo)) ??
      causes.find((cause) => takenBy(cause).size < cause.most) ??
      causes.at(-1);
    if (chosen === undefined) return null;
    this.#requests.set(chosen, new Set([...takenBy(chosen), requestNo]));
    return 'requests';
  }

  tooMany(): string[] {
    return [...this.#requests].flatMap(([cause, requests]) =>
      cause.tag === 'requests' && requests.size > cause.most
        ? [`${requests.size} requests came again where ${cause.label} puts ${cause.most} in doubt`]
        : [],
    );
  }

  /** The most calls that this class of causes lets come again, from what was really sent. */
  allowed(tag: Cause['tag']): number {
    return this.#options.causes
      .filter((cause) => cause.tag === tag)
      .reduce(
        (sum, cause) => sum + (cause.tag === 'requests' ? this.#inDoubt(cause) : this.#content(cause)),
        0,
      );
  }

  #inDoubt(cause: Extract<Cause, { tag: 'requests' }>): number {
    const sizes = new Map<number, number>();
    for (const { requestNo, atMs } of this.#options.deliveries)
      if (isInDoubt(cause, atMs)) sizes.set(requestNo, (sizes.get(requestNo) ?? 0) + 1);
    const largest = [...sizes.values()].toSorted((a, b) => b - a).slice(0, cause.most);
    return largest.reduce((sum, size) => sum + size, 0);
  }

  /** The content as it was sent by each moment at which it may have been begun anew. */
  #content(cause: ContentCause): number {
    const firsts = new Map<string, Delivery>();
    for (const each of this.#options.deliveries) {
      if (firsts.has(keyOf(each)) || each.atMs > lastOf(cause)) continue;
      if (this.#isCommittedAfter(cause, each, each)) firsts.set(keyOf(each), each);
    }
    const begun = this.#begun(cause, cause.untilMs);
    return [...firsts.values()].reduce((sum, first) => sum + mostOf(cause, begun, first), 0);
  }

  #isOfContent(cause: ContentCause, delivery: Delivery, earlier: readonly Delivery[]): boolean {
    const { fromMs } = cause;
    const [first] = earlier;
    if (delivery.atMs < fromMs || delivery.atMs > lastOf(cause) || first === undefined) return false;
    if (!this.#isCommittedAfter(cause, delivery, first)) return false;
    const again = (this.#brought.get(cause)?.get(keyOf(delivery)) ?? 0) + 1;
    const rows = this.#options.implied.get(delivery.messageId)?.rows ?? 1;
    return again <= mostOf(cause, this.#begun(cause, delivery.atMs), first) * rows;
  }

  /** When what a cause brings again was begun: with the cause, and anew with each strike that broke it off. */
  #begun(cause: ContentCause, untilMs: number): readonly Span[] {
    const broken = this.#options.interruptions.filter(
      (each) =>
        each.untilMs > cause.fromMs &&
        each.fromMs < untilMs &&
        (cause.tag === 'recovery' || each.interruptsCapture),
    );
    return [{ fromMs: cause.fromMs, untilMs: cause.fromMs }, ...broken];
  }

  #isCommittedAfter(cause: ContentCause, { messageId }: Delivery, first: Delivery): boolean {
    const { rows, commitAtMs } = this.#options.implied.get(messageId) ?? { rows: 1, commitAtMs: null };
    // Where the tables no longer tell, or tell of the first of several rows, the first arrival does: it was later than the commit.
    const atMs = rows === 1 ? (commitAtMs ?? first.atMs) : first.atMs;
    return atMs >= cause.committedAfterMs && (cause.tag === 'queue' || atMs <= cause.untilMs);
  }
}

/** What was committed before a gap was filled and read with it may be in the stream as well, which brings it once more. */
function mostOf({ tag }: ContentCause, begun: readonly Span[], first: Delivery): number {
  return timesBegun(begun, first) + (tag === 'recovery' ? 1 : 0);
}

/** How often a call that had been sent by then may have been sent anew. */
function timesBegun(begun: readonly Span[], { atMs }: Delivery): number {
  return begun.filter(({ untilMs }) => atMs <= untilMs + TRAIL_MS).length;
}

/** What was committed while a gap was being filled is in the tables that were read, and in the stream that goes on afterwards. */
function lastOf({ tag, untilMs }: ContentCause): number {
  return untilMs + (tag === 'recovery' ? SOON_MS : SETTLE_MS);
}

function isInDoubt({ fromMs, untilMs }: Cause, sentAtMs: number): boolean {
  return sentAtMs >= fromMs - LEAD_MS && sentAtMs <= untilMs + TRAIL_MS;
}

function toldByRequest(
  beyond: readonly Delivery[],
  before: ReadonlyMap<string, readonly Delivery[]>,
): string[] {
  const requests = new Map<number, Delivery[]>();
  for (const each of beyond) {
    const calls = requests.get(each.requestNo) ?? [];
    requests.set(each.requestNo, calls);
    calls.push(each);
  }
  return [...requests].map(([requestNo, calls]) => {
    const [first] = calls;
    const times = (first === undefined ? undefined : before.get(keyOf(first)))?.map(({ atMs }) =>
      new Date(atMs).toISOString().slice(11, 23),
    );
    return `${calls.length} calls of request ${requestNo} came again, and nothing explains it: ${first?.messageId ?? ''} at ${times?.join(', ') ?? ''}`;
  });
}
