import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConnectorProcess, WRITE_KEY } from './connector.js';
import { CALLS_A_PURCHASE, expectedOf, FIRST_MERCHANT, type PurchaseSpan } from './expected-purchases.js';
import { judge } from './judge.js';
import type { FigureResult, Measure } from './measure.js';
import { BenchReceiver } from './receiver.js';
import { scaled, type Setting } from './setting.js';
import { Site } from './site.js';
import { cpuSeconds } from './usage.js';

const PURCHASES = 10_000;
const MERCHANTS = 200;
const SOURCES = [1, 10, 50, 200];
const LANES = [1, 2, 4, 8];
const ACCOUNTS = [10_000, 100_000, 1_000_000];
/** Below this only the ends of each row are measured. */
const WHOLE_ROWS_FROM = 0.1;

interface Step {
  readonly sources: number;
  readonly lanes: number;
}

/**
 * CPU of the connector for an event, from WAL to receipt, as one thing grows and all else stays: not by the clock, which would
 * tell the cores of this machine.
 */
export async function measureScale(setting: Setting): Promise<FigureResult> {
  const findings: string[] = [];
  const measures: Measure[] = [];
  await using receiver = await BenchReceiver.start();
  const row = async (
    accounts: number,
    steps: readonly Step[],
    name: (step: Step) => string,
  ): Promise<void> => {
    await using site = await Site.open(setting, { accounts, merchants: MERCHANTS });
    const bench = new ScaleRow(setting, site, receiver, findings);
    for (const step of steps) measures.push(await bench.measure(step, name(step)));
  };
  const ends = <T>(whole: readonly T[]): readonly T[] =>
    setting.scale >= WHOLE_ROWS_FROM ? whole : [...whole.slice(0, 1), ...whole.slice(-1)];
  const sizes = ends(ACCOUNTS).map((accounts) => scaled(setting, accounts, 2_000));
  const growing = [
    ...ends(SOURCES).map((sources) => ({ sources, lanes: 1 })),
    ...ends(LANES)
      .slice(1)
      .map((lanes) => ({ sources: 1, lanes })),
  ];
  for (const [at, accounts] of sizes.entries()) {
    if (at === 0)
      await row(accounts, growing, ({ sources, lanes }) =>
        lanes > 1 ? `${lanes} lanes` : `${sources} sources`,
      );
    else await row(accounts, [{ sources: 1, lanes: 1 }], () => `${accounts} accounts`);
  }
  const notes = [
    `CPU of the whole connector; where nothing else is said: one source, one lane, ${sizes[0] ?? 0} accounts; one round`,
  ];
  return { measures: withFirstAsBaseline(measures), findings, notes };
}

/** All begin with one source, one lane and the least accounts. */
function withFirstAsBaseline(measures: readonly Measure[]): readonly Measure[] {
  const [first] = measures;
  if (first === undefined) return measures;
  const goal = { of: 'ratio', bound: 'most', limit: 1.3 } as const;
  return measures.map((measure) =>
    measure === first ? first : { ...measure, baseline: { name: first.what, values: first.values }, goal },
  );
}

class ScaleRow {
  readonly #setting: Setting;
  readonly #site: Site;
  readonly #receiver: BenchReceiver;
  readonly #findings: string[];
  #from = 0;

  constructor(setting: Setting, site: Site, receiver: BenchReceiver, findings: string[]) {
    this.#setting = setting;
    this.#site = site;
    this.#receiver = receiver;
    this.#findings = findings;
  }

  async measure({ sources, lanes }: Step, what: string): Promise<Measure> {
    const site = this.#site;
    const purchases = scaled(this.#setting, PURCHASES, 1_000);
    const span = { from: this.#from, to: this.#from + purchases, ...spreadOver(site.accounts, purchases) };
    this.#from = span.to;
    const slotName = `scale_${span.from}`;
    const file = join(site.spillDir, `${slotName}.yaml`);
    await writeFile(file, sourcesFile(sources));
    await site.redis.flushall();
    await site.setUpSlot(slotName);
    await site.purchase(span);
    await this.#receiver.begin();
    const cpu = await this.#run(slotName, span, { CONFIG_FILE: file, LANES: String(lanes) });
    await site.dropSlots(slotName);
    await rm(file);
    this.#setting.say(what);
    const microseconds = (cpu * 1_000_000) / (purchases * CALLS_A_PURCHASE);
    return { what, unit: 'µs of CPU an event', values: [microseconds], baseline: null, goal: null };
  }

  async #run(slotName: string, span: PurchaseSpan, env: Readonly<Record<string, string>>): Promise<number> {
    const segmentHost = this.#receiver.url;
    await using connector = ConnectorProcess.start(this.#site, {
      role: 'all',
      slotName,
      segmentHost,
      env,
    });
    await connector.logged('capture is streaming');
    const before = cpuSeconds(connector.pid);
    await this.#receiver.received((span.to - span.from) * CALLS_A_PURCHASE, connector.failed);
    const used = cpuSeconds(connector.pid) - before;
    await connector.stop();
    this.#findings.push(...judge((await this.#receiver.take()).messageIds, expectedOf(span)));
    return used;
  }
}

/** Purchases of different accounts, as far apart as may be: an odd stride keeps each session's accounts its own. */
function spreadOver(accounts: number, purchases: number): { accounts: number; stride: number } {
  const stride = Math.max(1, Math.floor(accounts / purchases));
  return { accounts, stride: stride % 2 === 0 ? stride + 1 : stride };
}

/** The merchants in equal shares. */
function sourcesFile(sources: number): string {
  const share = MERCHANTS / sources;
  const entries = Array.from({ length: sources }, (_, source) => {
    const merchants = Array.from(
      { length: share },
      (_, merchant) => FIRST_MERCHANT + source * share + merchant,
    );
    return `  - { name: source-${source}, merchant_id: [${merchants.join(', ')}], write_key: ${WRITE_KEY} }\n`;
  });
  return `sources:\n${entries.join('')}`;
}
