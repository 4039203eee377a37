import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Files that break one rule each: path, text, and the rule that must say so. */
const VIOLATIONS: readonly [file: string, text: string, rule: string][] = [
  [
    'src/events/reads-files.ts',
    `import { readFileSync } from 'node:fs';\nexport const a = readFileSync;`,
    'no-restricted-imports',
  ],
  [
    'src/events/listens.ts',
    `import { createServer } from 'node:http';\nexport const a = createServer;`,
    'no-restricted-imports',
  ],
  [
    'src/events/queues.ts',
    `import { Queue } from 'bullmq';\nexport const a = Queue;`,
    'no-restricted-imports',
  ],
  [
    'src/events/asks-redis.ts',
    `export const load = (): Promise<unknown> => import('ioredis');`,
    'no-restricted-imports',
  ],
  [
    'src/events/knows-delivery.ts',
    `import { a } from '../delivery/a.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/changes/sleeps.ts',
    `import { setTimeout } from 'node:timers/promises';\nexport const a = setTimeout;`,
    'no-restricted-imports',
  ],
  ['src/changes/asks.ts', `import knex from 'knex';\nexport const a = knex;`, 'no-restricted-imports'],
  ['src/changes/re-exports.ts', `export { Pool } from 'pg';`, 'no-restricted-imports'],
  [
    'src/mapping/reads-files.ts',
    `import { a } from '../config/a.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/config/binds.ts',
    `import { a } from '../mapping/bind.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/status/asks-the-process.ts',
    `import { a } from '../delivery/a.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/reconcile/sends.ts',
    `import { a } from '../delivery/a.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/reconcile/expected.sql.ts',
    `import { a } from '../events/a.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/delivery/knows-wal.ts',
    `import { a } from '../replication/a.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/delivery/reads-the-list.ts',
    `import { a } from '../suppression/configured-list.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/suppression/asks-redis.ts',
    `import { a } from '../queue/a.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/delivery/knows-tables.ts',
    `import { a } from '../postgres/a.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/delivery/clients/deep.ts',
    `import { a } from '../../postgres/a.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/replication/knows-delivery.ts',
    `import { a } from '../delivery/a.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/enrichment/knows-queue.ts',
    `import { a } from '../queue/a.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/capture/knows-delivery.ts',
    `import type { A } from '../delivery/a.js';\nexport type B = A;`,
    'no-restricted-imports',
  ],
  [
    'src/records/knows-app.ts',
    `import { a } from '../app.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/mapping/knows-events.ts',
    `import { a } from '../events/a.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  ['src/mapping/connects.ts', `import knex from 'knex';\nexport const a = knex;`, 'no-restricted-imports'],
  [
    'src/records/knows-mapping.ts',
    `import { a } from '../mapping/a.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/queue/counts.ts',
    `import { Counter } from 'prom-client';\nexport const a = Counter;`,
    'no-restricted-imports',
  ],
  [
    'src/capture/queues.ts',
    `import { Queue } from 'bullmq';\nexport const a = Queue;`,
    'no-restricted-imports',
  ],
  [
    'src/delivery/connects.ts',
    `import { Redis } from 'ioredis';\nexport const a = Redis;`,
    'no-restricted-imports',
  ],
  [
    'src/postgres/posts.ts',
    `import { fetch } from 'undici';\nexport const a = fetch;`,
    'no-restricted-imports',
  ],
  [
    'src/queue/tracks.ts',
    `import { Analytics } from '@segment/analytics-node';\nexport const a = Analytics;`,
    'no-restricted-imports',
  ],
  ['src/enrichment/connects.ts', `import knex from 'knex';\nexport const a = knex;`, 'no-restricted-imports'],
  [
    'src/postgres/streams.ts',
    `import { LogicalReplicationService } from 'pg-logical-replication';\nexport const a = LogicalReplicationService;`,
    'no-restricted-imports',
  ],
  [
    'src/cli/counts.ts',
    `import { Counter } from 'prom-client';\nexport const a = Counter;`,
    'no-restricted-imports',
  ],
  ['src/demo/oracle.ts', `import { a } from '../events/a.js';\nexport const b = a;`, 'no-restricted-imports'],
  [
    'src/demo/oracle/expected.ts',
    `import { a } from '../../enrichment/a.js';\nexport const b = a;`,
    'no-restricted-imports',
  ],
  [
    'src/demo/oracle-sql.ts',
    `import type { A } from '../records/a.js';\nexport type B = A;`,
    'no-restricted-imports',
  ],
  ['src/queue/environment.ts', `export const a = process.env['HOME'];`, 'no-process-env'],
  ['src/cli/exits.ts', `export const a = (): void => process.exit(1);`, 'no-process-exit'],
  ['src/queue/signals.ts', `process.on('SIGTERM', () => undefined);`, 'no-restricted-properties'],
  ['src/queue/prints.ts', `console.log('x');`, 'no-console'],
  ['src/queue/ring.ts', `import { b } from './ring-b.js';\nexport const a = (): unknown => b;`, 'no-cycle'],
  ['src/queue/ring-b.ts', `import { a } from './ring.js';\nexport const b = (): unknown => a;`, 'no-cycle'],
  ['src/queue/anything.ts', `export const a = (x: any): number => (x === 1 ? 1 : 2);`, 'no-explicit-any'],
  [
    'src/queue/floats.ts',
    `const f = async (): Promise<void> => {};\nexport const a = (): void => {\n  f();\n};`,
    'no-floating-promises',
  ],
  [
    'src/queue/misused.ts',
    `const f = async (): Promise<boolean> => true;\nexport const a = (): number => {\n  if (f()) return 1;\n  return 2;\n};`,
    'no-misused-promises',
  ],
  [
    'src/queue/exhaustive.ts',
    `export function a(x: 'a' | 'b'): number {\n  switch (x) {\n    case 'a':\n      return 1;\n  }\n  return 2;\n}`,
    'switch-exhaustiveness-check',
  ],
  ['src/queue/throws.ts', `export const a = (): never => {\n  throw 'text';\n};`, 'only-throw-error'],
  [
    'src/queue/asserts.ts',
    `export const a = (x: string | null): number => x!.length;`,
    'no-non-null-assertion',
  ],
];

/** Files that look like violations and are none. */
const LAWFUL: readonly [file: string, text: string][] = [
  [
    'src/events/hashes.ts',
    `import { createHash } from 'node:crypto';\nimport { a } from '../records/a.js';\nexport const b = [createHash, a];`,
  ],
  [
    'src/queue/a.ts',
    `import { Queue } from 'bullmq';\nimport { Redis } from 'ioredis';\nexport const b = [Queue, Redis];`,
  ],
  [
    'src/delivery/a.ts',
    `import { Pool } from 'undici';\nimport type { Redis } from 'ioredis';\nexport const a = (x: Redis): unknown[] => [x, Pool];`,
  ],
  ['src/enrichment/a.ts', `import type { Knex } from 'knex';\nexport const a = (x: Knex): unknown => x;`],
  ['src/main.ts', `process.on('SIGTERM', () => process.exit(0));\nexport const a = process.env['HOME'];`],
  [
    'src/app.ts',
    `import { a } from './delivery/a.js';\nimport { a as b } from './replication/a.js';\nexport const c = [a, b];`,
  ],
  [
    'src/replication/a.ts',
    `import { LogicalReplicationService } from 'pg-logical-replication';\nexport const a = LogicalReplicationService;`,
  ],
  ['src/postgres/a.ts', `import knex from 'knex';\nexport const a = knex;`],
  ['src/records/a.ts', `export const a = 1;`],
  [
    'src/mapping/a.ts',
    `import type { Knex } from 'knex';\nimport { a } from '../records/a.js';\nexport const b = (x: Knex): unknown => [x, a];`,
  ],
  ['src/postgres/b.ts', `import { b } from '../mapping/a.js';\nexport const c = b;`],
];

const root = process.cwd();
let directory: string;
let found: { file: string; rule: string }[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lint-rules-'));
  await cp('.oxlintrc.json', join(directory, '.oxlintrc.json'));
  await cp('tsconfig.json', join(directory, 'tsconfig.json'));
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  for (const [file, text] of [...VIOLATIONS, ...LAWFUL]) {
    await mkdir(join(directory, dirname(file)), { recursive: true });
    await writeFile(join(directory, file), `${text}\n`);
  }
  found = await lint();
}, 60_000);
afterAll(() => rm(directory, { recursive: true }));

function lint(): Promise<typeof found> {
  const program = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');
  const options = { cwd: directory, maxBuffer: 16 * 1024 ** 2 };
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [program, '--type-aware', '-f', 'json', 'src'],
      options,
      (_error, stdout, stderr) => {
        // It exits 1 because it finds something; only without a report has it failed.
        if (!stdout.startsWith('{')) {
          reject(new Error(`no report: ${stdout}${stderr}`));
          return;
        }
        const { diagnostics } = JSON.parse(stdout) as { diagnostics: { filename: string; code: string }[] };
        resolve(
          diagnostics.map(({ filename, code }) => ({
            file: filename,
            rule: /\((.+)\)/.exec(code)?.[1] ?? code,
          })),
        );
      },
    );
  });
}

describe('each rule bites', () => {
  it.each(VIOLATIONS)('%s', (file, _text, rule) => {
    expect(found.filter((each) => each.file === file).map((each) => each.rule)).toContain(rule);
  });
});

describe('no rule bites what is allowed', () => {
  it.each(LAWFUL)('%s', (file) => {
    expect(found.filter((each) => each.file === file)).toEqual([]);
  });
});
