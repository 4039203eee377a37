import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { OPTIONS } from '../../src/config/options.js';
import { parseConfig } from '../../src/config/parse.js';

interface Service {
  readonly image?: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly stop_grace_period?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: object;
}

const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as {
  services: Record<'postgres' | 'redis' | 'setup' | 'connector', Service>;
  volumes: Record<string, unknown>;
};
const { postgres, redis, setup, connector } = compose.services;

/** What compose makes of `${NAME:-default}` with NAME unset. */
function withDefaults(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, text]) => [
      name,
      String(text).replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1'),
    ]),
  );
}

describe('docker-compose.yml', () => {
  it('starts PostgreSQL with logical replication, and slots and senders for capture, replay and a copy', () => {
    expect(postgres.command).toContain('wal_level=logical');
    const setting = (name: string) =>
      Number(postgres.command.find((argument) => argument.startsWith(`${name}=`))?.split('=')[1]);
    expect(setting('max_replication_slots')).toBeGreaterThanOrEqual(3);
    expect(setting('max_wal_senders')).toBeGreaterThanOrEqual(3);
  });

  it('starts a Redis that keeps what it was given', () => {
    const text = redis.command.join(' ');
    expect(text).toContain('--appendonly yes');
    expect(text).toContain('--maxmemory-policy noeviction');
  });

  it('keeps the data of both on named volumes', () => {
    const named = [postgres, redis].map(({ volumes }) => volumes?.[0]?.split(':')[0]);
    expect(named).toEqual(Object.keys(compose.volumes));
  });

  it('runs setup once the database answers, and the connector once setup has succeeded', () => {
    expect(setup.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
    expect(connector.depends_on).toEqual({
      setup: { condition: 'service_completed_successfully' },
      redis: { condition: 'service_healthy' },
    });
    expect(postgres.healthcheck).toBeDefined();
    expect(redis.healthcheck).toBeDefined();
  });

  it('gives both commands a configuration the connector accepts, with a write key alone', () => {
    const env = { ...withDefaults(connector.environment), SEGMENT_WRITE_KEY: 'wk' };
    const config = parseConfig(env, { command: 'run' });
    expect(config.sources[0].settings.name).toBe('default');
    expect(config.http.host).toBe('0.0.0.0');
    expect(new URL(config.postgres?.url ?? '').hostname).toBe('postgres');
    expect(() =>
      parseConfig({ ...withDefaults(setup.environment), SEGMENT_WRITE_KEY: 'wk' }, { command: 'setup' }),
    ).not.toThrow();
  });

  it('refuses to start without a write key, before anything runs', () => {
    expect(connector.environment['SEGMENT_WRITE_KEY']).toMatch(/^\$\{SEGMENT_WRITE_KEY:\?.+\}$/);
  });

  it('passes on only variables that exist, and probes to this machine alone', () => {
    for (const name of Object.keys(connector.environment)) expect(OPTIONS).toHaveProperty(name);
    expect(connector.ports).toEqual(['127.0.0.1:8080:8080']);
  });

  it('waits longer for the connector to stop than the connector drains', () => {
    const grace = Number(connector.stop_grace_period?.replace('s', ''));
    expect(grace * 1000).toBeGreaterThan(parseConfig({}, { command: 'check' }).shutdownGraceMs);
  });
});

describe('Dockerfile', () => {
  const dockerfile = readFileSync('Dockerfile', 'utf8');
  const stages = dockerfile.split(/^FROM /m).slice(1);
  const last = stages.at(-1) ?? '';

  it('runs as a user without rights, with production dependencies alone', () => {
    expect(last).toMatch(/^USER node$/m);
    expect(last).toContain('COPY --from=dependencies');
    expect(stages.some((stage) => stage.includes('npm ci --omit=dev'))).toBe(true);
    expect(last).not.toContain('npm ');
  });

  it('sets only variables that exist', () => {
    const names = [...last.matchAll(/(?:^ENV |^ {4})([A-Z_]+)=/gm)].map(([, name = '']) => name);
    expect(names).toEqual(['NODE_ENV', 'SPILL_DIR', 'HTTP_HOST', 'HTTP_PORT']);
    for (const name of names.slice(1)) expect(OPTIONS).toHaveProperty(name);
  });

  it('copies only files the build context lets through', () => {
    const allowed = readFileSync('.dockerignore', 'utf8').split('\n');
    expect(allowed[0]).toBe('*');
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = '']) =>
      files.split(' '),
    );
    for (const file of copied) expect(allowed).toContain(`!${file}`);
  });
});
