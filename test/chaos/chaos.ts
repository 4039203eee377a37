import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExpectedCall } from '../../src/demo/oracle.js';
import { PASS } from '../support/tcp-proxy.js';
import { endingFindings } from './endings.js';
import { Gauges, type Stall } from './gauges.js';
import { judged, lettersJudged, settledExpectation } from './judge.js';
import { leftovers } from './leftovers.js';
import { memoryFindings } from './memory.js';
import { onRedis } from './on-redis.js';
import type { Recovery } from './operator.js';
import { judgeRepeats, type Cause, type Repeats } from './repeats.js';
import { countedEndings, countedStrikes, type ChaosReport } from './report.js';
import { openSite, type Site } from './site.js';
import { strikes, type Struck } from './strikes.js';

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

const MOST_FINDINGS = 60;
/** Business that stands still for most of the time proves nothing: this share of the commits wanted must be there. */
const LEAST_BUSINESS = 0.3;

/** One run: business under faults, then quiet, then the oracle. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const startedAtMs = Date.now();
  const log = (text: string): void => {
    options.print(`${((Date.now() - startedAtMs) / 1_000).toFixed(1).padStart(7)} s  ${text}`);
  };
  await using site = await openSite({ ...options, guests: 250, log });
  const gauges = new Gauges(site);
  using _ending = { [Symbol.dispose]: () => gauges.end() };
  log(`installation ready: seed ${options.seed}, ${options.minutes} min, ${options.ratePerSecond} commits/s`);
  gauges.start();
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
  await site.losses.end();
  const ended = site.fleet.endings.length;
  await site.fleet.end();
  const listed = await site.letters.read();
  await writeFile(join(options.directory, 'deliveries.jsonl'), site.deliveries.lines());
  const letters = lettersJudged(site, expected);
  const verdict = judged(site, expected, letters.excused);
  const repeats = repeatsJudged(site, { struck, expected, stalls: gauges.stalls });
  const memory = memoryFindings(site.fleet.rss);
  const findings = [
    ...verdict.findings.map(({ kind, name, messageId, detail }) => `${kind}: ${name} ${messageId} ${detail}`),
    ...letters.findings,
    ...repeats.findings,
    ...site.fleet.endings
      .slice(ended)
      .flatMap(({ member, code }) =>
        code === 0 ? [] : [`${member} drained with ${code ?? 'a signal'} at rest`],
      ),
    ...endingFindings(site.fleet.endings, struck),
    ...struck.flatMap((strike) => strike.findings),
    ...businessFindings(site, options),
    ...site.operator.findings,
    ...site.losses.findings,
    ...gauges.findings,
    ...(await leftovers(site, gauges, listed)),
    ...memory.findings,
  ];
  const { total } = verdict;
  return {
    seed: options.seed,
    minutes: options.minutes,
    strikes: countedStrikes(struck),
    commits: site.business.commits,
    failedActs: Object.fromEntries(site.business.failures),
    expected: total.expected,
    received: total.received,
    missing: total.missing,
    extra: total.extra,
    wrong: total.wrong,
    outOfOrder: total.outOfOrder,
    again: total.again,
    repeats: repeats.classes,
    refused: site.poison.refusedAlone.size,
    deadLetters: site.letters.held.size,
    recoveries: site.operator.recoveries.length,
    stalls: gauges.stalls.length,
    endings: countedEndings(site.fleet.endings),
    mostBytes: memory.mostBytes,
    longLives: memory.longLives,
    shortLives: memory.shortLives,
    findings: findings.slice(0, MOST_FINDINGS),
  };
}

function repeatsJudged(
  site: Site,
  run: {
    readonly struck: readonly Struck[];
    readonly expected: readonly ExpectedCall[];
    readonly stalls: readonly Stall[];
  },
): Repeats {
  const hits = run.struck.filter(({ isHit }) => isHit);
  return judgeRepeats({
    deliveries: site.deliveries.all,
    doubtful: site.deliveries.doubtful,
    causes: [
      ...hits.flatMap(causeOfStrike),
      ...site.operator.recoveries.map(causeOfRecovery),
      ...run.stalls.map((stall): Cause => ({
        ...stall,
        tag: 'requests',
        label: 'a standstill of the run',
        most: 2,
      })),
    ],
    interruptions: hits.filter(({ interruptsCapture, doubt }) => interruptsCapture || doubt.tag !== 'none'),
    implied: new Map(
      run.expected.map(({ messageId, rows, commitAtMs }) => [messageId, { rows, commitAtMs }]),
    ),
  });
}

function causeOfStrike({ name, did, doubt, fromMs, untilMs }: Struck): Cause[] {
  const label = `${name} (${did})`;
  switch (doubt.tag) {
    case 'none':
      return [];
    case 'requests':
      return [{ tag: 'requests', label, fromMs, untilMs, most: doubt.most }];
    case 'queue': {
      const { deliveredUpToMs, mendedAtMs } = doubt.lost;
      const committedAfterMs = deliveredUpToMs ?? -Infinity;
      return [{ tag: 'queue', label, fromMs, untilMs: mendedAtMs ?? Infinity, committedAfterMs }];
    }
    default:
      return doubt satisfies never;
  }
}

function causeOfRecovery({ fromMs, untilMs, committedAfterMs }: Recovery): Cause {
  return { tag: 'recovery', label: 'recover', fromMs, untilMs, committedAfterMs };
}

function businessFindings({ business }: Site, { minutes, ratePerSecond }: ChaosOptions): string[] {
  const least = Math.floor(minutes * 60 * ratePerSecond * LEAST_BUSINESS);
  return [
    ...new Set(business.findings),
    ...(business.commits < least
      ? [`${business.commits} commits are too few to prove anything: ${least}`]
      : []),
  ];
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
