/** Fails when a package we install is under a licence that is not permissive: `npm run check:licences`. */
import { readFileSync } from 'node:fs';

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly license?: string; readonly dev?: boolean; readonly version?: string }>
  >;
}

/** Free to use and redistribute inside an Apache-2.0 work. */
const PERMISSIVE = new Set([
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'Unlicense',
  'Python-2.0',
]);
/** Weak copyleft, by file: fit for tools that are not shipped. */
const TOOLS_ONLY = new Set(['MPL-2.0']);

/** Lines that say which packages may not be used, and why. */
export function licenceProblems(lock: Lock): string[] {
  return Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .flatMap(([path, entry]) => {
      const name = `${path.split('node_modules/').at(-1)} ${entry.version ?? ''}`.trim();
      if (entry.license === undefined) return [`${name} names no licence`];
      const choices = entry.license.replaceAll(/[()]/g, '').split(' OR ');
      const allowed = choices.some(
        (one) => PERMISSIVE.has(one) || (entry.dev === true && TOOLS_ONLY.has(one)),
      );
      return allowed ? [] : [`${name} is under ${entry.license}`];
    });
}

if (import.meta.filename === process.argv[1]) {
  const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as Lock;
  const problems = licenceProblems(lock);
  for (const problem of problems) process.stderr.write(`licence: ${problem}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
