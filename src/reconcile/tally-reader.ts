import type { Knex } from 'knex';
import type { TallyBatch, TallyBox } from '../queue/tally-box.js';
import { TALLIED_NAMES, TALLY_CHANNELS, type Tally } from '../queue/tally.js';
import { NOTHING, plus, type Sum } from './decode.js';
import type { MinuteSpan } from './expected-calls.js';
import { readTallies } from './tally-store.js';

/** What was counted of one event in one minute. */
export interface Counted {
  readonly name: string;
  readonly minute: number;
  /** By the history of the lanes: another one after Redis lost its data. */
  readonly live: ReadonlyMap<number, Sum>;
  readonly suppressed: ReadonlyMap<number, Sum>;
  /** By run of a replay or backfill. */
  readonly again: ReadonlyMap<string, Sum>;
}

export type MinuteKey = `${string}@${number}`;

export function minuteKey(name: string, minute: number): MinuteKey {
  return `${name}@${minute}`;
}

/** What was counted, in PostgreSQL and what Redis still holds, as of one moment. */
export async function readCounted(
  knex: Knex,
  box: TallyBox,
  source: string,
  minutes: MinuteSpan,
): Promise<ReadonlyMap<MinuteKey, Counted>> {
  for (;;) {
    const before = await box.read();
    const stored = await readTallies(knex, source, minutes);
    const after = await box.read();
    // A batch that came, or went into PostgreSQL, in between would be counted twice or not at all.
    if (names(before) !== names(after)) continue;
    const waiting = after.filter(({ id }) => id !== stored.batch).flatMap(({ tallies }) => tallies);
    const inSpan = waiting.filter(({ minute }) => minute >= minutes.from && minute < minutes.to);
    return gathered([...stored.tallies, ...inSpan]);
  }
}

function names(batches: readonly TallyBatch[]): string {
  return batches.map(({ id }) => id).join(' ');
}

function gathered(tallies: readonly Tally[]): ReadonlyMap<MinuteKey, Counted> {
  const minutes = new Map<MinuteKey, Counting>();
  for (const { channel, run, name: code, minute, ...sum } of tallies) {
    const name = TALLIED_NAMES[code];
    if (name === undefined) continue;
    const key = minuteKey(name, minute);
    const known = minutes.get(key) ?? nothingAt(name, minute);
    minutes.set(key, known);
    switch (channel) {
      case TALLY_CHANNELS.live:
        add(known.live, run, sum);
        break;
      case TALLY_CHANNELS.suppressed:
        add(known.suppressed, run, sum);
        break;
      case TALLY_CHANNELS.replay:
      case TALLY_CHANNELS.backfill:
        add(known.again, `${channel}:${run}`, sum);
        break;
      default: {
        const never: never = channel;
        throw new RangeError(`unknown channel ${String(never)}`);
      }
    }
  }
  return minutes;
}

function add<K>(sums: Map<K, Sum>, run: K, sum: Sum): void {
  sums.set(run, plus(sums.get(run) ?? NOTHING, sum));
}

interface Counting extends Counted {
  readonly live: Map<number, Sum>;
  readonly suppressed: Map<number, Sum>;
  readonly again: Map<string, Sum>;
}

function nothingAt(name: string, minute: number): Counting {
  return { name, minute, live: new Map(), suppressed: new Map(), again: new Map() };
}
