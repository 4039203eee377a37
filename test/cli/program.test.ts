import { describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { OPTION_NAMES } from '../../src/config/options.js';
import { invoke } from './invoke.js';

describe('--help', () => {
  it.each([
    [[]],
    [['setup']],
    [['check']],
    [['run']],
    [['demo']],
    [['replay']],
    [['preview']],
    [['reconcile']],
    [['status']],
    [['mapping']],
    [['mapping', 'init']],
  ])('of %j is what was reviewed', async (command: string[]) => {
    const { exitCode, out, err } = await invoke([...command, '--help']);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toMatchSnapshot();
  });

  it('of run lists every option of the environment', async () => {
    const { out } = await invoke(['run', '--help']);
    for (const name of OPTION_NAMES) expect(out).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
  });

  it('fits in 110 columns', async () => {
    const alone = ['setup', 'check', 'run', 'demo', 'replay', 'preview', 'reconcile', 'status'];
    for (const command of [...alone.map((name) => [name]), ['mapping', 'init']]) {
      const { out } = await invoke([...command, '--help']);
      expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
    }
  });
});

describe('--version', () => {
  it('is that of the package', async () => {
    expect(await invoke(['--version'])).toEqual({ exitCode: 0, out: `${packageJson.version}\n`, err: '' });
  });
});

describe('what is not understood is refused with exit code 64 and the nearest valid one', () => {
  it.each<[string, string[], string]>([
    ['command', ['chekc'], '(Did you mean check?)'],
    ['option', ['run', '--rol', 'all'], '(Did you mean --role?)'],
    ['option of another command', ['demo', '--second', '3'], '(Did you mean --seconds?)'],
    ['role', ['run', '--role', 'captrue'], 'It must be one of all, capture, deliver. Did you mean capture?'],
    ['role of check', ['check', '--role', 'deliverer'], 'Did you mean deliver?'],
    ['number', ['demo', '--seconds', 'ten'], 'It must be a whole number, 1 to 3600.'],
    [
      'number too small',
      ['demo', '--seconds', '0'],
      'It must be a whole number, 1 to 3600. The nearest is 1.',
    ],
    ['negative number', ['demo', '--seed', '-4'], 'The nearest is 0.'],
    ['fraction', ['demo', '--rate', '2.6'], 'The nearest is 3.'],
    ['number too large', ['demo', '--guests', '1000000'], 'The nearest is 100000.'],
    ['excess argument', ['run', 'now'], 'too many arguments'],
  ])('%s', async (_, argv, expected) => {
    const { exitCode, out, err } = await invoke(argv);
    expect(err).toContain(expected);
    expect({ exitCode, out }).toEqual({ exitCode: 64, out: '' });
  });

  it('no command at all prints the help to stderr', async () => {
    const { exitCode, out, err } = await invoke([]);
    expect({ exitCode, out }).toEqual({ exitCode: 64, out: '' });
    expect(err).toContain('Usage: paytronix-segment');
  });
});

describe('a configuration with problems', () => {
  it('is refused with exit code 78, each problem named, no secret printed', async () => {
    const env = { SEGMENT_WRITE_KEY: 'topsecret key', HTTP_PORT: 'eighty' };
    const { exitCode, out, err } = await invoke(['run'], env);
    expect({ exitCode, out }).toEqual({ exitCode: 78, out: '' });
    expect(err).toMatchInlineSnapshot(`
      "CONFIG_INVALID: the configuration has 4 problems:
        - SEGMENT_WRITE_KEY must be the write key alone, without blanks or colons.
        - HTTP_PORT is "eighty"; it must be a whole number, 0 to 65535.
        - DATABASE_URL is not set; it names the loyalty database (DATABASE_URL_FILE may name a file instead).
        - REDIS_URL is not set; it names the queue between capture and delivery (REDIS_URL_FILE may name a file instead).
      → Correct the lines and variables named and start again. \`paytronix-segment run --help\` lists every option, docs/mapping.md what a mapping can say.
      "
    `);
  });

  it('shows where it happened only at LOG_LEVEL=debug', async () => {
    expect((await invoke(['run'], {})).err).not.toContain('    at ');
    expect((await invoke(['run'], { LOG_LEVEL: 'debug' })).err).toContain('    at ');
  });
});
