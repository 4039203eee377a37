import type { EventName } from '../events/event.js';
import { decode, decodeRuns, isNothing, minus, NOTHING, plus, type Sum } from './decode.js';

/** Why the tables can no longer tell whether a call was sent. */
export type Doubt =
  | 'guest_deleted'
  | 'account_merged'
  | 'account_terminated'
  | 'merchant_inactive'
  | 'row_changed'
  /** Its time is a commit time, and its row was updated since. */
  | 'time_unknown'
  /** See `ExpectedId.maybe`. */
  | 'commit_unknown';

/** What the tables can no longer tell of. */
export interface Undecidable {
  /** Null: something was delivered, and of which row is not known. */
  readonly messageId: string | null;
  readonly doubt: Doubt;
}

/** One call the tables imply in a minute. */
export interface ExpectedId {
  readonly messageId: string;
  /** Its event, of an identify call the one that it is sent with. */
  readonly event: EventName;
  readonly hash: bigint;
  readonly doubt: Doubt | null;
  /** Commit of its row as far as the tables tell, milliseconds since 1970. */
  readonly commitAtMs: number;
  /** The row's own time, milliseconds since 1970: what a backfill finds it by. */
  readonly rowAtMs: number;
  /** Not expected here: a later row of an id that an earlier minute expects. It may be counted here all the same. */
  readonly repeat: boolean;
  /**
   * Its row tells a time before anything was counted, but may have been committed after it, as where an application writes times
   * of its own choice: expected if it was delivered, else not.
   */
  readonly maybe: boolean;
  /** Its guest is on the suppression list now. */
  readonly listed: boolean;
}

/** Everything known of one event in one minute. */
export interface MinuteFacts {
  /** In the order in which they were sent. */
  readonly expected: readonly ExpectedId[];
  /** Of each history of the lanes: more than one where Redis lost its data in between, which sends some calls once more. */
  readonly live: readonly Sum[];
  readonly suppressed: readonly Sum[];
  /** Of each run of a replay or backfill that sent into this minute. */
  readonly again: readonly Sum[];
  readonly queued: ReadonlySet<string>;
  readonly deadLetters: ReadonlySet<string>;
  /** Commits up to here are captured; null: none. */
  readonly capturedUpToMs: number | null;
}

export interface MinuteVerdict {
  readonly expected: number;
  readonly delivered: number;
  readonly queued: number;
  readonly deadLetters: number;
  readonly suppressed: number;
  /** Committed after what capture has confirmed. */
  readonly toCapture: number;
  readonly missing: number;
  /** Delivered, though the tables imply nothing of the kind. */
  readonly extra: number;
  readonly undecidable: readonly Undecidable[];
  /** The missing ones; more than `missing` where only their number can be told. */
  readonly missingIds: readonly ExpectedId[];
}

/**
 * Who of the expected was delivered, and what became of the others. Delivered is what any of the sums is made of; an id
 * that cannot be told from the sums is not called missing while it is queued, dead-lettered, not captured yet, in doubt or of a
 * listed guest.
 */
export function judgeMinute(facts: MinuteFacts): MinuteVerdict {
  const { expected: candidates, queued, deadLetters, capturedUpToMs } = facts;
  const hashes = candidates.map(({ hash }) => hash);
  const guesses = guessesOf(facts);
  const live = decodeRuns(facts.live, hashes, guesses);
  const delivered = new Set<number>(live ?? []);
  for (const sum of [...facts.again, facts.again.reduce(plus, NOTHING)]) {
    // A repair sends just what was missing then.
    const lacking = indicesOf(candidates, (each, index) => isDue(each) && !delivered.has(index));
    const sendable = new Set([...lacking].filter((index) => isSendable(candidates[index])));
    for (const index of decode(sum, hashes, [lacking, sendable, ...guesses]) ?? []) delivered.add(index);
  }
  const listed = indicesOf(candidates, (each) => isDue(each) && each.listed);
  const kept = decodeRuns(facts.suppressed, hashes, [new Set(), listed, ...guesses]);
  const suppressed = kept ?? new Set<number>();
  const dealtWith = live === null && kept === null ? togetherIn(facts, hashes, guesses) : null;

  const verdict = {
    expected: 0,
    delivered: 0,
    queued: 0,
    deadLetters: 0,
    suppressed: 0,
    toCapture: 0,
    undecidable: [] as Undecidable[],
  };
  const missing: ExpectedId[] = [];
  for (const [index, candidate] of candidates.entries()) {
    const { messageId, doubt, commitAtMs } = candidate;
    const isDelivered = delivered.has(index) || dealtWith?.has(index) === true;
    if (candidate.repeat || (candidate.maybe && !isDelivered)) continue;
    verdict.expected += 1;
    if (isDelivered) verdict.delivered += 1;
    else if (suppressed.has(index)) verdict.suppressed += 1;
    else if (queued.has(messageId)) verdict.queued += 1;
    else if (deadLetters.has(messageId)) verdict.deadLetters += 1;
    else if (capturedUpToMs === null || commitAtMs > capturedUpToMs) verdict.toCapture += 1;
    else if (candidate.listed) verdict.suppressed += 1;
    else if (doubt !== null) verdict.undecidable.push({ messageId, doubt });
    else missing.push(candidate);
  }
  // Of guests who were on the list and are not now: how many of theirs were suppressed is known, and not which.
  const unknown = kept === null ? Math.max(0, countOf(facts.suppressed) - verdict.suppressed) : 0;
  const known = { ...verdict, suppressed: verdict.suppressed + unknown };
  if (dealtWith !== null) {
    const delivering = { ...known, delivered: Math.max(0, known.delivered - unknown) };
    return { ...delivering, missing: missing.length, extra: 0, missingIds: missing };
  }
  if (live === null) return withUnreadable(known, missing, facts, unknown);
  // What is in doubt stays that, whether it was suppressed or not: no call is told twice.
  const passedOver = Math.min(unknown, missing.length);
  const short = missing.length - passedOver;
  const told = { ...verdict, suppressed: verdict.suppressed + passedOver };
  return { ...told, missing: short, extra: 0, missingIds: short === 0 ? [] : missing };
}

/** Delivered and suppressed in one: where neither sum can be taken apart, both together are a guess more often. */
function togetherIn(
  facts: MinuteFacts,
  hashes: readonly bigint[],
  guesses: readonly ReadonlySet<number>[],
): ReadonlySet<number> | null {
  return decode([...facts.live, ...facts.suppressed].reduce(plus, NOTHING), hashes, guesses);
}

function countOf(sums: readonly Sum[]): number {
  return sums.reduce(plus, NOTHING).count;
}

/** The sum of what was delivered cannot be taken apart: its number still says how many are missing, or too many. */
function withUnreadable(
  verdict: Omit<MinuteVerdict, 'missing' | 'extra' | 'missingIds'>,
  candidates: readonly ExpectedId[],
  facts: MinuteFacts,
  suppressed: number,
): MinuteVerdict {
  const counted = countOf(facts.live);
  const short = Math.max(0, candidates.length - suppressed - counted);
  // What several histories sent of one minute may be the same calls.
  const beyond = facts.live.length > 1 ? 0 : Math.max(0, counted - (verdict.expected - verdict.suppressed));
  // As many as expected, but others: at least one of each. Unless some are in doubt: then those make up the number.
  const inDoubt = verdict.undecidable.length > 0;
  const maybes = facts.expected.filter(({ maybe }) => maybe).length;
  const swapped = candidates.length > 0 && short === 0 && beyond === 0 && !inDoubt && maybes === 0 ? 1 : 0;
  const missing = short + swapped;
  const perhaps = Math.min(beyond, maybes);
  return {
    ...verdict,
    undecidable: [...verdict.undecidable, ...unknownRows(perhaps, 'commit_unknown')],
    delivered: verdict.delivered + Math.min(counted, Math.max(0, candidates.length - suppressed)) - swapped,
    missing,
    extra: beyond - perhaps + swapped,
    missingIds: missing === 0 ? [] : candidates,
  };
}

/** So many calls of which only is known that they were delivered. */
export function unknownRows(count: number, doubt: Doubt): readonly Undecidable[] {
  return Array.from({ length: count }, () => ({ messageId: null, doubt }));
}

/** Expected in this minute, whether it was delivered or not. */
function isDue({ repeat, maybe }: ExpectedId): boolean {
  return !repeat && !maybe;
}

function guessesOf(facts: MinuteFacts): ReadonlySet<number>[] {
  const { expected, queued, deadLetters, capturedUpToMs } = facts;
  const firsts = indicesOf(expected, isDue);
  const known = indicesOf(
    expected,
    (each) =>
      isDue(each) &&
      !queued.has(each.messageId) &&
      !deadLetters.has(each.messageId) &&
      capturedUpToMs !== null &&
      each.commitAtMs <= capturedUpToMs,
  );
  const certain = new Set([...known].filter((index) => expected[index]?.doubt === null));
  // What a backfill can send: of deleted and listed guests nothing, of everybody else all, captured or not.
  const living = new Set([...firsts].filter((index) => isSendable(expected[index])));
  const everything = indicesOf(expected, () => true);
  const unlisted = new Set([...known].filter((index) => expected[index]?.listed === false));
  const maybes = indicesOf(expected, ({ maybe }) => maybe);
  const withMaybes =
    maybes.size === 0 ? [] : [new Set([...known, ...maybes]), new Set([...certain, ...maybes]), maybes];
  return [known, unlisted, firsts, certain, living, everything, ...withMaybes, new Set()];
}

function isSendable(candidate: ExpectedId | undefined): boolean {
  return candidate?.doubt !== 'guest_deleted' && candidate?.listed !== true;
}

function indicesOf(
  expected: readonly ExpectedId[],
  test: (candidate: ExpectedId, index: number) => boolean,
): ReadonlySet<number> {
  return new Set(expected.flatMap((candidate, index) => (test(candidate, index) ? [index] : [])));
}

/** What of a minute can be said from sums alone. */
export interface MinuteSums {
  readonly certain: Sum;
  readonly doubtful: Sum;
  readonly live: readonly Sum[];
  readonly suppressed: readonly Sum[];
  readonly again: readonly Sum[];
}

/** The verdict where the sums agree, so that no id need be read; null where they do not. */
export function judgeSums(sums: MinuteSums): MinuteVerdict | null {
  const all = plus(sums.certain, sums.doubtful);
  const live = sums.live.reduce(plus, NOTHING);
  const passedOver = sums.suppressed.reduce(plus, NOTHING);
  const agree = isNothing(minus(all, plus(live, passedOver)));
  const sentAgain = sums.again.some((again) => isNothing(minus(all, again))) && live.count <= all.count;
  if (!agree && !sentAgain) return null;
  const suppressed = agree ? passedOver.count : 0;
  return {
    expected: all.count,
    delivered: all.count - suppressed,
    queued: 0,
    deadLetters: 0,
    suppressed,
    toCapture: 0,
    missing: 0,
    extra: 0,
    undecidable: [],
    missingIds: [],
  };
}
