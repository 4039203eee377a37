/** `npm run chaos -- [--seed S] [--minutes M] [--faults a,b] [--rate N] [--json]`: see docs/guarantees.md. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FAULTS } from '../test/chaos/catalogue.js';
import { runChaos } from '../test/chaos/chaos.js';
import { failureLine, reportLines } from '../test/chaos/report.js';

const USAGE = 64;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    minutes: { type: 'string', default: '3' },
    faults: { type: 'string', default: '' },
    rate: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
  },
});

const faults = values.faults === '' ? [] : values.faults.split(',');
const problems = [
  ...faults
    .filter((name) => !FAULTS.some((fault) => fault.name === name))
    .map((name) => `unknown fault ${name}; there are ${FAULTS.map((fault) => fault.name).join(', ')}`),
  ...(['seed', 'minutes', 'rate'] as const)
    .filter((name) => !(Number(values[name]) > 0))
    .map((name) => `--${name} takes a number above 0, not ${values[name]}`),
];
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exit(USAGE);
}

/** Everything that decides what happens, whether or not it was given. */
const again = [
  `npm run chaos -- --seed ${values.seed} --minutes ${values.minutes} --rate ${values.rate}`,
  ...(values.faults === '' ? [] : [`--faults ${values.faults}`]),
].join(' ');

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => interrupted.abort(new Error('interrupted')));
}
const directory = await mkdtemp(join(tmpdir(), 'paytronix-segment-chaos-'));
const say = (line: string): void => void (values.json ? process.stderr : process.stdout).write(`${line}\n`);
try {
  const report = await runChaos({
    seed: Number(values.seed),
    minutes: Number(values.minutes),
    faults,
    ratePerSecond: Number(values.rate),
    directory,
    print: say,
    signal: interrupted.signal,
  });
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else for (const line of reportLines(report)) say(line);
  if (report.findings.length === 0) await rm(directory, { recursive: true, force: true });
  else say(`again: ${again}; logs: ${directory}`);
  process.exit(report.findings.length === 0 ? 0 : 1);
} catch (error) {
  say(failureLine(error));
  say(`again: ${again}; logs: ${directory}`);
  process.exit(1);
}
