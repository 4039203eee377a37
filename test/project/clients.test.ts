import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file: `src/${file}`, text: readFileSync(`src/${file}`, 'utf8') }));

/** Files that import more than types of a package, or load it when it is needed. */
function usersOf(client: string): string[] {
  const name = client.replaceAll(/[/.-]/g, String.raw`\$&`);
  const imports = new RegExp(String.raw`^import ([^;]*?) from '${name}(?:/[^']*)?';`, 'gm');
  const loads = new RegExp(String.raw`(?:import|require|resolve)\('${name}(?:/[^']*)?'\)`);
  return sources
    .filter(({ text }) => {
      const clauses = [...text.matchAll(imports)].map(([, clause = '']) => clause);
      return loads.test(text) || clauses.some((clause) => !typesOnly(clause));
    })
    .map(({ file }) => file)
    .toSorted();
}

function typesOnly(clause: string): boolean {
  if (clause.startsWith('type ')) return true;
  const named = /^\{([^}]*)\}$/s.exec(clause)?.[1];
  if (named === undefined) return false;
  const members = named.split(',').map((member) => member.trim());
  return members.every((member) => member === '' || member.startsWith('type '));
}

describe('each third-party client lives in one or two files', () => {
  it.each<[string, string[]]>([
    ['@segment/analytics-node', ['src/delivery/sdk-client.ts']],
    ['ioredis', ['src/queue/redis.ts']],
    ['knex', ['src/postgres/connection.ts', 'src/postgres/database-error.ts']],
    ['prom-client', ['src/observability/metrics.ts']],
    ['pino', ['src/observability/logger.ts']],
    ['undici', ['src/delivery/http-post.ts', 'src/delivery/preflight.ts']],
    ['zod', ['src/config/checks.ts']],
    ['commander', ['src/cli/arguments.ts', 'src/cli/program.ts']],
  ])('%s', (client, files) => {
    expect(usersOf(client)).toEqual(files);
  });

  it('bullmq: in the queue and in the lane worker with what it is built on', () => {
    const files = usersOf('bullmq');
    expect(files.filter((file) => !file.startsWith('src/queue/'))).toEqual([
      'src/delivery/any-data-worker.ts',
      'src/delivery/lane-worker.ts',
    ]);
    expect(files.length).toBeLessThanOrEqual(5);
  });

  it('pg-logical-replication: in the WAL stream', () => {
    const files = usersOf('pg-logical-replication');
    expect(files.length).toBeGreaterThan(0);
    expect(files.length).toBeLessThanOrEqual(2);
    expect(files.every((file) => file.startsWith('src/replication/'))).toBe(true);
  });
});

describe('the edge of the process', () => {
  it.each([/\bprocess\.env\b/, /\bprocess\.exit\b/])('%s is in src/main.ts alone', (pattern) => {
    const code = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '');
    expect(sources.filter(({ text }) => pattern.test(code(text))).map(({ file }) => file)).toEqual([
      'src/main.ts',
    ]);
  });
});
