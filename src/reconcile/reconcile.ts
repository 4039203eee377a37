import type { Knex } from 'knex';
import type { EventSettings } from '../config/source.js';
import { ConnectorError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import { readCheckpoint } from '../postgres/checkpoint-store.js';
import type { Mapping } from '../mapping/mapping.js';
import { REFERENCE_MAPPING } from '../mapping/reference.js';
import { movingTimes } from '../mapping/moving-times.js';
import { readSources } from '../postgres/source-store.js';
import { tracksCommitTimes } from '../postgres/system.js';
import { TallyBox } from '../queue/tally-box.js';
import type { RedisClient } from '../queue/redis.js';
import { GuestSet } from '../suppression/guest-set.js';
import { NOTHING } from './decode.js';
import {
  expectedIds,
  expectedMinutes,
  POSTED_LATER_MS,
  type ExpectedMinute,
  type ExpectedOf,
  type ExpectedQuery,
  type MinuteSpan,
} from './expected-calls.js';
import { judgeMinute, judgeSums, type MinuteVerdict } from './judge.js';
import { withoutMoved } from './moved.js';
import { lookAtQueue } from './queue-look.js';
import { minuteKey, readCounted, type MinuteKey } from './tally-reader.js';
import { countedFromUs } from './tally-store.js';

export interface ReconcileOptions {
  readonly knex: Knex;
  /** Default: the reference schema. */
  readonly mapping?: Mapping;
  readonly client: RedisClient;
  readonly prefix: string;
  readonly source: EventSettings;
  readonly lanes: number;
  readonly slotName: string;
  /** Minutes since 1970. Null: since deliveries are counted, and up to now. */
  readonly from: number | null;
  readonly to: number | null;
  /** Only these names; null: all, identify calls among them. */
  readonly names: readonly string[] | null;
  readonly clock: Clock;
  /** Who is on the suppression list now. Default: nobody. */
  readonly listed?: GuestSet;
  /** Between two looks at what seemed to be missing. Default 2,000. */
  readonly settleMs?: number;
  readonly signal?: AbortSignal;
}

/** One event in one minute. */
export interface MinuteReport extends MinuteVerdict {
  readonly name: string;
  /** Minutes since 1970. */
  readonly minute: number;
}

export interface Reconciliation {
  readonly source: string;
  readonly minutes: MinuteSpan;
  /** Commits at or before it are not compared, microseconds since 1970. */
  readonly sinceCommitUs: number;
  /** The server has track_commit_timestamp on; else commits are told by the rows' own times. */
  readonly tracked: boolean;
  /** Every event and minute of which something was expected or delivered, by minute, then name. */
  readonly reports: readonly MinuteReport[];
  /** Nothing is missing, nothing is extra. */
  readonly equal: boolean;
}

const MS_PER_MINUTE = 60_000;
/** What seems to be missing is looked at this often: it may have been on its way between two looks at one place. */
const LOOKS = 3;

/**
 * Compares what the tables imply with what was counted as delivered. First by sums, for every event and minute; then, only
 * where they differ, by ids.
 *
 * Nothing on its way is called missing: places are looked at in the order in which a call passes them (what is captured, the
 * queue, the dead letters, the tallies), and the tables last, so that what was counted is among what is expected.
 * @throws ConnectorError CHECKPOINT_MISSING, TALLIES_MISSING, DATABASE_…; Redis' own error when it does not answer
 */
export async function reconcile(options: ReconcileOptions): Promise<Reconciliation> {
  const { knex, client, prefix, source, clock, mapping = REFERENCE_MAPPING } = options;
  const sinceCommitUs = await comparableFromUs(options);
  const nowMs = clock.now();
  const minutes = {
    // A till's time may lie that far before the commit.
    from: options.from ?? Math.floor((sinceCommitUs / 1_000 - POSTED_LATER_MS) / MS_PER_MINUTE),
    to: options.to ?? Math.floor(nowMs / MS_PER_MINUTE) + 1,
  };
  const tracked = await tracksCommitTimes(knex);
  const of: ExpectedOf = {
    events: [...source.events],
    identify: source.identify,
    emitVoids: source.emitVoids,
    merchantIds: source.merchantIds === null ? null : [...source.merchantIds],
    committedAfter: instantText(sinceCommitUs),
    names: options.names,
  };
  const { listed = GuestSet.NONE } = options;
  const moving = await movingTimes(knex, mapping);
  const query = { knex, relations: mapping.relations, of, tracked, moving, nowMs, listed };
  const box = new TallyBox(client, prefix, source.name);
  const counted = await readCounted(knex, box, source.name, minutes);
  const expected = await expectedMinutes({ ...query, minutes });

  const reports = new Map<MinuteKey, MinuteReport>();
  const open = new Map<MinuteKey, ExpectedMinute>();
  for (const place of placesOf(expected, [...counted.values()], options.names)) {
    const key = minuteKey(place.name, place.minute);
    const sums = counted.get(key);
    const verdict = judgeSums({
      certain: place.certain,
      doubtful: place.doubtful,
      live: [...(sums?.live.values() ?? [])],
      suppressed: [...(sums?.suppressed.values() ?? [])],
      again: [...(sums?.again.values() ?? [])],
    });
    if (verdict === null) open.set(key, place);
    else reports.set(key, { name: place.name, minute: place.minute, ...verdict });
  }
  for (let look = 1; open.size > 0 && look <= LOOKS; look += 1) {
    if (look > 1) await clock.sleep(options.settleMs ?? 2_000, options.signal);
    for (const report of await lookCloser(options, query, box, minutes, open)) {
      const key = minuteKey(report.name, report.minute);
      reports.set(key, report);
      if (report.missing === 0 && report.extra === 0) open.delete(key);
    }
  }
  const placed = withoutMoved([...reports.values()], await movedSince(query, minutes, expected, reports));
  const sorted = placed.toSorted((a, b) => a.minute - b.minute || a.name.localeCompare(b.name, 'en'));
  const equal = sorted.every(({ missing, extra }) => missing === 0 && extra === 0);
  return { source: source.name, minutes, sinceCommitUs, tracked, reports: sorted, equal };
}

/** The rows whose time has moved, up to now: what is delivered of them in an earlier minute stands in a later one. */
async function movedSince(
  query: Omit<ExpectedQuery, 'minutes'>,
  { to }: MinuteSpan,
  expected: readonly ExpectedMinute[],
  reports: ReadonlyMap<MinuteKey, MinuteReport>,
): Promise<readonly ExpectedMinute[]> {
  const now = Math.floor(query.nowMs / MS_PER_MINUTE) + 1;
  const unexplained = [...reports.values()].some(({ extra }) => extra > 0);
  if (!unexplained || to >= now) return expected;
  return [...expected, ...(await expectedMinutes({ ...query, minutes: { from: to, to: now } }))];
}

/** Where something is expected or was delivered. */
function placesOf(
  expected: readonly ExpectedMinute[],
  counted: readonly { readonly name: string; readonly minute: number }[],
  names: readonly string[] | null,
): ExpectedMinute[] {
  const places = new Map<MinuteKey, ExpectedMinute>();
  for (const { name, minute } of counted) {
    if (names !== null && !names.includes(name)) continue;
    const startMs = minute * MS_PER_MINUTE;
    places.set(minuteKey(name, minute), {
      name,
      minute,
      certain: NOTHING,
      doubtful: NOTHING,
      moved: 0,
      firstRowAtMs: startMs,
      lastRowAtMs: startMs + MS_PER_MINUTE,
    });
  }
  for (const each of expected) places.set(minuteKey(each.name, each.minute), each);
  return [...places.values()];
}

async function lookCloser(
  options: ReconcileOptions,
  query: Parameters<typeof expectedIds>[0],
  box: TallyBox,
  minutes: MinuteSpan,
  open: ReadonlyMap<MinuteKey, ExpectedMinute>,
): Promise<MinuteReport[]> {
  const { knex, client, prefix, source, lanes } = options;
  const commitTimeUs = await capturedUpToUs(options);
  const look = await lookAtQueue({ client, prefix, source: source.name, lanes, keys: new Set(open.keys()) });
  const counted = await readCounted(knex, box, source.name, minutes);
  const reports: MinuteReport[] = [];
  for (const [key, place] of open) {
    const sums = counted.get(key);
    const { name, minute } = place;
    const verdict = judgeMinute({
      expected: await expectedIds(query, place),
      live: [...(sums?.live.values() ?? [])],
      suppressed: [...(sums?.suppressed.values() ?? [])],
      again: [...(sums?.again.values() ?? [])],
      queued: look.queued.get(key) ?? new Set(),
      deadLetters: look.deadLetters,
      capturedUpToMs: commitTimeUs === null ? null : commitTimeUs / 1_000,
    });
    reports.push({ name, minute, ...verdict });
  }
  return reports;
}

/** From which commit on sent and counted can be compared. */
/** What comes later is still to be captured: of a parked source everything that it misses. Null: nothing is known. */
async function capturedUpToUs({ knex, source, slotName }: ReconcileOptions): Promise<number | null> {
  const state = (await readSources(knex, slotName)).get(source.name);
  if (state?.parked != null) return state.parked.commitTimeUs;
  return (await readCheckpoint(knex, slotName))?.commitTimeUs ?? null;
}

async function comparableFromUs({ knex, source, slotName }: ReconcileOptions): Promise<number> {
  const checkpoint = await readCheckpoint(knex, slotName);
  if (checkpoint === null)
    throw new ConnectorError('CHECKPOINT_MISSING', `slot ${slotName} has no checkpoint`);
  const countedUs = await countedFromUs(knex, source.name);
  if (countedUs === null) {
    throw new ConnectorError('TALLIES_MISSING', `nothing was counted for source ${source.name} yet`, {
      facts: { source: source.name },
    });
  }
  const added = (await readSources(knex, slotName)).get(source.name)?.added?.atUs ?? 0;
  return Math.max(checkpoint.enabledFromUs, source.enabledFromUs, countedUs, added);
}

function instantText(us: number): string {
  const seconds = Math.floor(us / 1_000_000);
  const rest = String(us - seconds * 1_000_000).padStart(6, '0');
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19)}.${rest}Z`;
}
