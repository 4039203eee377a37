import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needsInstall, nodeIsTooOld, redisAdvice } from '../../scripts/bootstrap.mjs';

describe('nodeIsTooOld', () => {
  it.each([
    ['18.20.0', true],
    ['20.18.3', true],
    ['20.19.0', false],
    ['21.0.0', false],
    ['24.1.0', false],
  ])('%s: %s', (version, expected) => {
    expect(nodeIsTooOld(version)).toBe(expected);
  });
});

describe('needsInstall', () => {
  const wanted = {
    packages: {
      '': {},
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { version: '2.0.0', optional: true },
    },
  };
  it.each([
    ['nothing is installed', null, true],
    ['all is installed', { packages: { 'node_modules/a': { version: '1.0.0' } } }, false],
    ['a version is another', { packages: { 'node_modules/a': { version: '1.0.1' } } }, true],
    [
      'an optional one is of another version',
      { packages: { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0' } } },
      true,
    ],
    ['one is missing', { packages: {} }, true],
    [
      'one is left over',
      { packages: { 'node_modules/a': { version: '1.0.0' }, 'node_modules/c': { version: '3.0.0' } } },
      false,
    ],
  ])('%s', (_, installed, expected) => {
    expect(needsInstall(wanted, installed)).toBe(expected);
  });
});

describe('redisAdvice', () => {
  it.each([
    ['darwin', 'brew install redis'],
    ['linux', 'sudo apt-get install -y redis-server'],
    ['win32', 'wsl --install'],
    ['sunos', 'https://redis.io'],
  ])('%s', (platform, command) => {
    expect(redisAdvice(platform)).toContain(command);
  });
});

describe('the script', () => {
  let clone: string;
  let bin: string;

  beforeEach(() => {
    clone = mkdtempSync(join(tmpdir(), 'bootstrap-'));
    bin = join(clone, 'bin');
    mkdirSync(join(clone, 'scripts'));
    mkdirSync(bin);
    cpSync('scripts/bootstrap.mjs', join(clone, 'scripts', 'bootstrap.mjs'));
    writeFileSync(
      join(clone, 'package-lock.json'),
      JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } }),
    );
  });
  afterEach(() => rmSync(clone, { recursive: true }));

  /** A program that writes its name and arguments to a log, and then does what the text says. */
  function program(name: string, text = ''): void {
    writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >> ${join(clone, 'calls')}\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }

  function run() {
    const env = { PATH: bin, SERVICE_POLICY: join(clone, 'policy-rc.d') };
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(clone, 'scripts', 'bootstrap.mjs')],
      {
        env,
        encoding: 'utf8',
      },
    );
    const calls = existsSync(join(clone, 'calls'))
      ? readFileSync(join(clone, 'calls'), 'utf8').trim().split('\n')
      : [];
    return { status, stdout, stderr, calls };
  }

  function installed(): void {
    mkdirSync(join(clone, 'node_modules'));
    cpSync(join(clone, 'package-lock.json'), join(clone, 'node_modules', '.package-lock.json'));
  }

  it('says and does nothing when all is there', () => {
    installed();
    program('valkey-server');
    expect(run()).toEqual({ status: 0, stdout: '', stderr: '', calls: [] });
  });

  it('installs the packages of the lock file in a fresh clone', () => {
    program('redis-server');
    program('npm');
    const { status, stderr, calls } = run();
    expect(calls).toEqual(['npm ci --include=dev --no-audit --no-fund']);
    expect(stderr).toContain('npm ci');
    expect(status).toBe(0);
  });

  it('stops when they cannot be installed', () => {
    program('redis-server');
    program('npm', 'exit 7');
    expect(run()).toMatchObject({ status: 1 });
  });

  it('says how to install Redis where it may not do so itself', () => {
    installed();
    const { status, stderr, calls } = run();
    expect(status).toBe(1);
    expect(stderr).toContain(redisAdvice(process.platform));
    expect(calls).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0)(
    'as root installs Redis without its service being started, and takes that hold back',
    () => {
      installed();
      const policy = join(clone, 'policy-rc.d');
      const puts = `case "$1" in install) cat ${policy} >> ${join(clone, 'calls')}; echo '' > ${bin}/redis-server; chmod +x ${bin}/redis-server;; esac`;
      program('apt-get', puts);
      for (const name of ['cat', 'chmod']) {
        writeFileSync(join(bin, name), `#!/bin/sh\nexec /bin/${name} "$@"\n`);
        chmodSync(join(bin, name), 0o755);
      }
      const { status, calls } = run();
      expect(status).toBe(0);
      expect(calls[0]).toBe('apt-get update -qq');
      expect(calls[1]).toBe('apt-get install -y -qq --no-install-recommends redis-server');
      expect(calls).toContain('exit 101');
      expect(existsSync(policy)).toBe(false);
    },
  );
});
