import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { runDemo, type DemoOptions } from '../../src/demo/demo.js';

class Paper {
  text = '';
  readonly #onWrite: (text: string) => void;

  constructor(onWrite: (text: string) => void = () => undefined) {
    this.#onWrite = onWrite;
  }

  write(text: string): void {
    this.text += text;
    this.#onWrite(text);
  }
}

const options: DemoOptions = { seconds: 3, guests: 60, ratePerSecond: 60, seed: 5, toSegment: null };

/** A directory for temporary files that nobody else writes to. Open to the account PostgreSQL runs as. */
let temporary: string;
const inherited = process.env['TMPDIR'];

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'paytronix-segment-test-'));
  await chmod(temporary, 0o755);
  process.env['TMPDIR'] = temporary;
});

afterAll(async () => {
  if (inherited === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = inherited;
  await rm(temporary, { recursive: true, force: true });
});

describe('the demo', () => {
  it(
    'ends with every event received as committed, in plain lines on a pipe',
    { timeout: 120_000 },
    async () => {
      const out = new Paper();
      const code = await runDemo(options, {
        out,
        isTty: false,
        colours: false,
        signal: new AbortController().signal,
      });
      expect(out.text).toContain('Every call arrived');
      expect(code).toBe(0);
      expect(out.text).not.toContain('\u001b');
      // A row for each event, none of them empty.
      for (const event of [
        'Web Registration',
        'Check-In',
        'Identify Customer',
        'Recharge Value',
        'Referral',
      ]) {
        expect(out.text).toMatch(new RegExp(`^${event} +[1-9]\\d* +[1-9]\\d* +0 +0 `, 'm'));
      }
    },
  );

  it('leaves nothing behind when it is interrupted', { timeout: 120_000 }, async () => {
    const stop = new AbortController();
    let started: string[] = [];
    const seen: Promise<void>[] = [];
    const out = new Paper((text) => {
      if (!text.includes('POS Activity') || stop.signal.aborted) return;
      stop.abort();
      seen.push(
        readdir(temporary).then((names) => {
          started = names;
        }),
      );
    });
    const code = await runDemo(
      { ...options, seconds: 60 },
      { out, isTty: true, colours: false, signal: stop.signal },
    );
    await Promise.all(seen);
    expect(code).toBe(0);
    expect(out.text).toContain('Stopped.');
    expect(started.map((name) => name.replace(/-[^-]+$/, '')).toSorted()).toEqual([
      'paytronix-segment-demo',
      'paytronix-segment-pg',
      'paytronix-segment-redis',
    ]);
    expect(await readdir(temporary)).toEqual([]);
  });
});
