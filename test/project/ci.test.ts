import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { licenceProblems } from '../../scripts/check-licences.js';
import { errorsDoc, withSection } from '../../scripts/generate-docs.js';
import { ERROR_POLICY } from '../../src/errors/codes.js';

describe('count-tests', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'count-tests-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  function count(...reports: object[]) {
    const files = reports.map((report, index) => {
      const file = join(directory, `${index}.json`);
      writeFileSync(file, JSON.stringify(report));
      return file;
    });
    const { status, stdout } = spawnSync(process.execPath, ['scripts/count-tests.mjs', ...files], {
      encoding: 'utf8',
    });
    return { status, stdout };
  }
  const report = (
    numPassedTests: number,
    numFailedTests = 0,
    numPendingTests = 0,
    success = numFailedTests === 0,
  ) => ({
    numPassedTests,
    numFailedTests,
    numPendingTests,
    numTodoTests: 0,
    success,
  });

  it('adds up the reports', () => {
    expect(count(report(3), report(4))).toEqual({ status: 0, stdout: 'tests: 7 passed, 0 failed\n' });
  });

  it('counts the skipped, and fails for a failed one', () => {
    expect(count(report(3, 1, 2))).toEqual({ status: 1, stdout: 'tests: 3 passed, 1 failed, 2 skipped\n' });
  });

  it('names what failed above the line', () => {
    const assertion = { status: 'failed', fullName: 'adds', failureMessages: ['1 is not 2\n  at add.ts:1'] };
    const testResults = [
      { name: 'add.test.ts', status: 'failed', message: '', assertionResults: [assertion] },
      { name: 'gone.test.ts', status: 'failed', message: 'no such module', assertionResults: [] },
    ];
    expect(count({ ...report(3, 1), testResults })).toEqual({
      status: 1,
      stdout:
        'failed: add.test.ts > adds\n1 is not 2\n  at add.ts:1\nfailed: gone.test.ts\nno such module\ntests: 3 passed, 1 failed\n',
    });
  });

  it('fails when a file of tests could not be loaded, when no test ran and when there is no report', () => {
    expect(count(report(3, 0, 0, false)).status).toBe(1);
    expect(count(report(0)).status).toBe(1);
    expect(count().status).toBe(1);
  });
});

describe('licenceProblems', () => {
  const problems = (entry: object) =>
    licenceProblems({ packages: { '': {}, 'node_modules/x': { version: '1.0.0', ...entry } } });

  it.each([
    [{ license: 'MIT' }, []],
    [{ license: '(GPL-3.0 OR MIT)' }, []],
    [{ license: 'MPL-2.0', dev: true }, []],
    [{ license: 'MPL-2.0' }, ['x 1.0.0 is under MPL-2.0']],
    [{ license: 'AGPL-3.0', dev: true }, ['x 1.0.0 is under AGPL-3.0']],
    [{}, ['x 1.0.0 names no licence']],
  ])('%j', (entry, expected) => {
    expect(problems(entry)).toEqual(expected);
  });
});

describe('the generated documentation', () => {
  it('has every condition with what to do about it', () => {
    const text = errorsDoc();
    for (const [code, { advice }] of Object.entries(ERROR_POLICY)) {
      expect(text).toContain(`## ${code}\n`);
      expect(text).toContain(`- **You**: ${advice}`);
    }
  });

  it('replaces what is between the markers, and fails without them', () => {
    const text = 'a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb';
    expect(withSection(text, 'x', 'new')).toBe('a\n<!-- x:begin -->\n\nnew\n\n<!-- x:end -->\nb');
    expect(() => withSection(text, 'y', 'new')).toThrow('<!-- y:begin -->');
  });
});

describe('package-lock.json', () => {
  interface Entry {
    readonly optional?: boolean;
    readonly optionalDependencies?: Readonly<Record<string, string>>;
    readonly resolved?: string;
  }
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, Entry>;
  };

  it('names every optional package of every platform: npm ci refuses a lock that leaves one out', () => {
    const missing = Object.values(packages)
      .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
      .filter((name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)));
    expect(missing).toEqual([]);
  });

  it('names no registry: whoever installs uses their own', () => {
    expect(Object.values(packages).filter(({ resolved }) => resolved?.startsWith('http') === true)).toEqual(
      [],
    );
  });
});
