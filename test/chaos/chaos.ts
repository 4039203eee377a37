import { toError } from '../../src/errors/connector-error.js';
import { seededRandom } from '../../src/demo/simulator/random.js';
import { PASS } from '../support/tcp-proxy.js';
import { TRACKS } from './catalogue.js';
import type { Doubles, Fault } from './fault.js';
import { onRedis } from './faults/redis.js';
import { isUnforeseen } from './fleet.js';
import { judged, leftovers, mayBeDoubled, mebibytes, memoryFindings, settledExpectation } from './judge.js';
import { schedule } from './schedule.js';
import { openSite, type Site } from './site.js';

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  /** Names of faults; empty: all. */
  readonly faults: readonly string[];
  readonly ratePerSecond: number;
  /** For logs; the caller's to remove. */
  readonly directory: string;
  readonly print: (line: string) => void;
  /** Ends the run without a verdict; what was started is ended. */
  readonly signal: AbortSignal;
}

export interface ChaosReport {
  readonly seed: number;
  readonly minutes: number;
  readonly strikes: Readonly<Record<string, number>>;
  readonly commits: number;
  readonly expected: number;
  readonly received: number;
  readonly missing: number;
  readonly extra: number;
  readonly wrong: number;
  readonly outOfOrder: number;
  readonly again: number;
  readonly mayBeDoubled: number;
  /** Calls that Segment refused alone. */
  readonly deadLetters: number;
  readonly recoveries: number;
  /** Processes that ended, by how. */
  readonly endings: Readonly<Record<string, number>>;
  readonly mostBytes: number;
  /** Empty: everything held. */
  readonly findings: readonly string[];
}

interface Struck {
  readonly name: string;
  readonly doubles: Doubles;
  readonly backlog: number;
}

/** Calls a commit of the brand implies at most, on average, with room. */
const CALLS_PER_COMMIT = 2;
/** Seconds of business that healing may send again beside what was waiting; `recover` reads 40 s before and after. */
const HEALED_SECONDS = 30;
const MARGIN_SECONDS = 120;
const MOST_FINDINGS = 40;

/** One run: business under faults, then quiet, then the oracle. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const startedAtMs = Date.now();
  const log = (text: string): void => {
    options.print(`${((Date.now() - startedAtMs) / 1_000).toFixed(1).padStart(7)} s  ${text}`);
  };
  await using site = await openSite({ ...options, guests: 250, log });
  log(`installation ready: seed ${options.seed}, ${options.minutes} min, ${options.ratePerSecond} commits/s`);
  site.fleet.start();
  site.business.start();
  const struck = await strikes(site, options);
  options.signal.throwIfAborted();
  log('faults are over');
  await mendAll(site);
  await site.business.end();
  log(`business is over: ${site.business.commits} commits`);
  await site.operator.idle();
  const expected = await settledExpectation(site);
  const ended = site.fleet.endings.length;
  await site.fleet.end();
  const verdict = judged(site, expected);
  const { total } = verdict;
  const memory = memoryFindings(site.fleet.rss);
  const bound = mayBeDoubled(struck);
  const findings = [
    ...verdict.findings.map(({ kind, name, messageId, detail }) => `${kind}: ${name} ${messageId} ${detail}`),
    ...(total.again > bound ? [`${total.again} doubled where the faults explain ${bound}`] : []),
    ...site.fleet.endings
      .slice(ended)
      .flatMap(({ member, code }) => (code === 0 ? [] : [`${member} drained with ${code ?? 'a signal'}`])),
    ...unexplained(site, struck),
    ...(await leftovers(site)),
    ...memory.findings,
  ];
  return {
    seed: options.seed,
    minutes: options.minutes,
    strikes: counted(struck.map(({ name }) => name)),
    commits: site.business.commits,
    expected: total.expected,
    received: total.received,
    missing: total.missing,
    extra: total.extra,
    wrong: total.wrong,
    outOfOrder: total.outOfOrder,
    again: total.again,
    mayBeDoubled: bound,
    deadLetters: site.poison.refusedAlone.size,
    recoveries: site.operator.recoveries,
    endings: counted(
      site.fleet.endings.map(({ code, signal, condition }) =>
        `${code ?? signal ?? ''} ${condition?.split(':')[0] ?? ''}`.trim(),
      ),
    ),
    mostBytes: memory.mostBytes,
    findings: findings.slice(0, MOST_FINDINGS),
  };
}

async function strikes(site: Site, options: ChaosOptions): Promise<Struck[]> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), options.minutes * 60_000);
  options.signal.addEventListener('abort', () => over.abort());
  const struck: Struck[] = [];
  const tracks = Object.entries(TRACKS).map(async ([track, faults], index) => {
    const wanted = faults.filter(({ name }) => options.faults.length === 0 || options.faults.includes(name));
    const random = seededRandom(options.seed).fork(index + 1_000);
    let no = 0;
    for (const { fault, pauseMs, random: own } of schedule(wanted, random)) {
      await sleep(pauseMs, over.signal);
      if (over.signal.aborted) return;
      no += 1;
      const label = `${track} ${no}: ${fault.name}`;
      site.log(`${label} …`);
      const backlog = await backlogOf(site, fault, options.ratePerSecond);
      struck.push({ name: fault.name, doubles: fault.doubles, backlog });
      // A strike is mended in full even when the time is over.
      const did = await fault.strike({ site, random: own, sleep: (ms) => sleep(ms) });
      site.log(`${label}: ${did}`);
    }
  });
  try {
    await Promise.all(tracks);
  } finally {
    clearTimeout(timer);
    over.abort();
    // One track has failed: the others mend what they have struck before the servers are taken from them.
    await Promise.allSettled(tracks);
  }
  return struck;
}

async function backlogOf(site: Site, { doubles }: Fault, ratePerSecond: number): Promise<number> {
  if (doubles === 'margin') return MARGIN_SECONDS * ratePerSecond * CALLS_PER_COMMIT;
  if (doubles !== 'backlog') return 0;
  const waiting = site.business.commits * CALLS_PER_COMMIT - site.arrivals.calls.length;
  return Math.max(0, waiting) + HEALED_SECONDS * ratePerSecond * CALLS_PER_COMMIT;
}

/** Everything a strike mends itself, once more: one that failed may have left it. */
async function mendAll(site: Site): Promise<void> {
  site.receiver.respondWith(null);
  for (const { postgres, redis, segment } of site.ways.values()) {
    for (const proxy of [postgres, redis, segment]) proxy?.set(PASS);
  }
  await site.redis.start();
  await site.server.start();
  await onRedis(site, (client) => client.config('SET', 'maxmemory', '0'));
}

/** The reasons for a gap that a fault explains, from its strike on: what is emptied after it may find no window yet. */
const EXPLAINED_GAPS: Readonly<Record<string, readonly string[]>> = {
  'slot-dropped': ['slot-missing', 'no-replay-slot', 'window-too-short'],
  'replay-slot-dropped': ['no-replay-slot', 'window-too-short'],
};

/** Ends of processes that no fault asked for. */
function unexplained(site: Site, struck: readonly Struck[]): string[] {
  const reasons = struck.flatMap(({ name }) => EXPLAINED_GAPS[name] ?? []);
  const isExplained = (condition: string | null): boolean =>
    condition?.startsWith('CAPTURE_GAP') === true &&
    reasons.some((reason) => condition.endsWith(`[${reason}]`));
  return site.fleet.endings
    .filter(({ meant, condition }) => isUnforeseen(condition) || (!meant && !isExplained(condition)))
    .map(
      ({ member, meant, code, signal, condition }) =>
        `${member} ended${meant ? '' : ' by itself'}: ${code ?? signal ?? ''} ${condition ?? ''}`,
    );
}

function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names.toSorted()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    if (signal?.aborted === true) done();
    else signal?.addEventListener('abort', done);
  });
}

/** The report as a person reads it. */
export function reportLines(report: ChaosReport): string[] {
  const { strikes: byName, endings, findings, mostBytes, ...figures } = report;
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  return [
    `strikes: ${list(byName)}`,
    `ends of processes: ${list(endings)}; most memory of one: ${mebibytes(mostBytes)}`,
    Object.entries(figures)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    findings.length === 0 ? 'everything held' : `${findings.length} findings:`,
    ...findings.map((finding) => `  ${finding}`),
  ];
}

/** @throws what is not an error at all, as the error it is. */
export function failureLine(thrown: unknown): string {
  return toError(thrown).stack ?? String(thrown);
}
