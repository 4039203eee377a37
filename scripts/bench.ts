/** `npm run bench -- [NAME…] [--json] [--rounds N] [--scale S]`: see docs/performance.md. */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { FIGURES } from './bench/catalogue.js';
import { isReached, ratioOf, type FigureResult } from './bench/measure.js';
import { startBenchServer } from './bench/site.js';
import { tableLines } from './bench/table.js';

const USAGE = 64;
const INTERRUPTED = 130;
/** So small a run tells whether all is right, not how fast: then figures run side by side, as most of them wait. */
const TOGETHER_BELOW = 0.05;
const TOGETHER = 4;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
  },
});

const rounds = Number(values.rounds);
const scale = Number(values.scale);
const problems = [
  ...positionals
    .filter((name) => !FIGURES.has(name))
    .map((name) => `unknown figure ${name}; there are ${[...FIGURES.keys()].join(', ')}`),
  ...(Number.isInteger(rounds) && rounds > 0
    ? []
    : [`--rounds takes a whole number above 0, not ${values.rounds}`]),
  ...(scale > 0 ? [] : [`--scale takes a number above 0, not ${values.scale}`]),
];
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exit(USAGE);
}

// Servers and processes end with this one; see orphan-guard.ts and connector.ts.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(INTERRUPTED));

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node.js ${process.version}`;
const server = await startBenchServer();
const wanted = [...FIGURES].filter(([name]) => positionals.length === 0 || positionals.includes(name));
const measured = new Map<string, FigureResult>();

async function measureNext(): Promise<void> {
  for (let next = wanted.shift(); next !== undefined; next = wanted.shift()) {
    const [name, measure] = next;
    const startedMs = performance.now();
    say(`${name} …`);
    const setting = { rounds, scale, server, say: (line: string) => say(`  ${name}: ${line}`) };
    measured.set(name, await measure(setting));
    say(`${name} took ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
  }
}

try {
  const together = scale < TOGETHER_BELOW ? TOGETHER : 1;
  // All of them: what still runs needs the server.
  const ends = await Promise.allSettled(Array.from({ length: together }, measureNext));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
} finally {
  await server.stop();
}
const results = new Map(
  [...FIGURES.keys()].flatMap((name) => {
    const result = measured.get(name);
    return result === undefined ? [] : [[name, result] as const];
  }),
);

if (values.json) {
  const figures = [...results].map(([figure, { measures, ...rest }]) => ({
    figure,
    measures: measures.map((measure) => ({
      ...measure,
      ratio: ratioOf(measure),
      reached: isReached(measure),
    })),
    ...rest,
  }));
  print(JSON.stringify({ machine, scale, rounds, figures }));
} else {
  print(`${machine}; scale ${scale}, rounds ${rounds}`);
  print('');
  for (const line of tableLines(results)) print(line);
}
// Wrong is what arrived wrongly. Slow is for whoever reads it: machines differ.
process.exit([...results.values()].some(({ findings }) => findings.length > 0) ? 1 : 0);
