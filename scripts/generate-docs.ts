/**
 * Writes what the documentation has in common with the code: `npm run docs`. With `--check` it writes nothing and fails
 * when a file is not what the code says: `npm run check:docs`.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { settingsFileSchema } from '../src/config/file-schema.js';
import { OPTION_NAMES, OPTIONS } from '../src/config/options.js';
import type { OptionSpec } from '../src/config/option.js';
import { ERROR_POLICY } from '../src/errors/codes.js';
import { EXIT_MEANING } from '../src/errors/exit-codes.js';
import { renderEventsDoc } from '../src/events/schema/events-doc.js';
import { recordsDoc } from '../src/mapping/records-doc.js';
import { READINESS } from '../src/observability/readiness.js';
import { FAILPOINTS } from '../src/lifecycle/failpoint.js';
import { renderTrackingPlan } from '../src/events/schema/tracking-plan.js';

/** One Markdown table, a heading per group. */
export function configurationTable(): string {
  const groups = new Map<string, string[]>();
  for (const name of OPTION_NAMES) {
    const spec: OptionSpec = OPTIONS[name];
    const names = spec.file === 'also' ? `\`${name}\`, \`${name}_FILE\`` : `\`${name}\``;
    const standing = spec.default === undefined ? '' : `\`${spec.default}\``;
    const row = `| ${names} | ${standing} | ${cell(spec.doc)} Accepts: ${cell(spec.check.description ?? '')}. |`;
    groups.set(spec.group, [...(groups.get(spec.group) ?? []), row]);
  }
  return [...groups]
    .map(([group, rows]) =>
      [`### ${group}`, '', '| Variable | Default | Meaning |', '|---|---|---|', ...rows].join('\n'),
    )
    .join('\n\n');
}

export function exitCodeTable(): string {
  const rows = Object.entries(EXIT_MEANING).map(([code, meaning]) => `| ${code} | ${cell(meaning)} |`);
  return ['| Exit code | Meaning |', '|---|---|', ...rows].join('\n');
}

const ACTIONS = {
  retry: 'tries again with backoff, for ever; nothing is confirmed meanwhile',
  stop: 'stops with the advice; nothing past the condition is confirmed',
  'dead-letter': 'sets that one event aside with the reason; the stream goes on',
} as const;

export function errorsDoc(): string {
  const codes = Object.entries(ERROR_POLICY).toSorted(([a], [b]) => a.localeCompare(b));
  return [
    '# Conditions the connector names',
    '',
    'Each has a code, in the log line (`code`) and on the screen. Generated from `src/errors/codes.ts`.',
    '',
    ...codes.flatMap(([code, { means, action, advice }]) => [
      `## ${code}`,
      '',
      means,
      '',
      `- **The connector** ${ACTIONS[action]}.`,
      `- **You**: ${advice}`,
      '',
    ]),
  ].join('\n');
}

export function failpointTable(): string {
  const rows = Object.entries(FAILPOINTS).map(([name, happened]) => `| \`${name}\` | ${cell(happened)} |`);
  return ['| Failpoint | What has just happened |', '|---|---|', ...rows].join('\n');
}

export function readinessTable(): string {
  const rows = Object.values(READINESS).map(
    ({ limitMs, condition }) => `| ${cell(condition)} | ${limitMs / 1_000} s |`,
  );
  const atOnce = [
    'Capture is not streaming: starting, standing by, reconnecting',
    'Delivery has not begun: Redis was never there',
    'A source stands still: its key is refused, or everything of a job',
    'The process has failed and is ending; `/livez` is red as well',
  ].map((condition) => `| ${condition} | at once |`);
  return ['| Condition | Red after |', '|---|---|', ...atOnce, ...rows].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** `text` with what stands between `<!-- name:begin -->` and `<!-- name:end -->` replaced. */
export function withSection(text: string, name: string, section: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`no section ${name}: ${begin} … ${end} is missing`);
  return `${text.slice(0, from + begin.length)}\n\n${section}\n\n${text.slice(to)}`;
}

async function documents(): Promise<Map<string, string>> {
  let readme = readFileSync('README.md', 'utf8');
  readme = withSection(readme, 'configuration', configurationTable());
  readme = withSection(readme, 'exit-codes', exitCodeTable());
  const operations = withSection(readFileSync('docs/operations.md', 'utf8'), 'readiness', readinessTable());
  const guarantees = withSection(readFileSync('docs/guarantees.md', 'utf8'), 'failpoints', failpointTable());
  const mapping = withSection(readFileSync('docs/mapping.md', 'utf8'), 'records', recordsDoc());
  const options = (await resolveConfig('README.md')) ?? {};
  const markdown = (text: string): Promise<string> => format(text, { ...options, parser: 'markdown' });
  return new Map([
    ['README.md', await markdown(readme)],
    ['docs/errors.md', await markdown(errorsDoc())],
    ['docs/guarantees.md', await markdown(guarantees)],
    ['docs/mapping.md', await markdown(mapping)],
    ['docs/operations.md', await markdown(operations)],
    ['docs/events.md', await markdown(renderEventsDoc())],
    ['docs/tracking-plan.json', renderTrackingPlan()],
    [
      'docs/connector.schema.json',
      await format(JSON.stringify(settingsFileSchema()), { ...options, parser: 'json' }),
    ],
  ]);
}

if (import.meta.filename === process.argv[1]) {
  process.chdir(dirname(import.meta.dirname));
  const check = process.argv.includes('--check');
  for (const [file, wanted] of await documents()) {
    if (existsSync(file) && readFileSync(file, 'utf8') === wanted) continue;
    if (check) {
      process.stderr.write(`${file} is not what the code says; run: npm run docs\n`);
      process.exitCode = 1;
    } else {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, wanted);
      process.stdout.write(`wrote ${file}\n`);
    }
  }
}
