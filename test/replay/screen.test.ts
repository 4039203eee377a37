import { expect, test } from 'vitest';
import { ReplayScreen } from '../../src/cli/replay-screen.js';
import { styleFor } from '../../src/cli/style.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { parseLsn } from '../../src/postgres/lsn.js';

const HOUR_US = 3_600_000_000;
const NOW_US = Date.UTC(2026, 6, 3) * 1_000;

function planned(startUs: number | null, fromTimeUs: number | null, idSuffix: string | null): string {
  let shown = '';
  const out = { write: (text: string) => void (shown += text) };
  const screen = new ReplayScreen(out, styleFor(out, {}), systemClock);
  const [from, to] = [parseLsn('0/1000'), parseLsn('0/2000')];
  screen.window({ from, to, fromTimeUs: startUs, toTimeUs: null, nowUs: NOW_US });
  screen.plan({
    range: { from, to, fromTimeUs, toTimeUs: null },
    counts: { commits: 12_345, calls: { rejected: 1, 'POS Activity': 10_000, identify: 5 } },
    idSuffix,
  });
  return shown;
}

test('a plan lists the calls in their order and says what cannot be sent', () => {
  expect(planned(NOW_US - HOUR_US, null, null)).toContain(
    [
      '0/1000 to 0/2000: 12,345 commits',
      '       5  identify',
      '  10,000  POS Activity',
      '       1  cannot be sent (they go to the dead letters)',
      'The message ids are those of the first time: Segment drops what it has already.',
    ].join('\n'),
  );
});

test('what Segment may no longer remember is said, unless the ids are new anyway', () => {
  const warning = 'may count twice';
  expect(planned(NOW_US - 30 * HOUR_US, null, null)).toContain(warning);
  expect(planned(null, null, null)).toContain(warning);
  expect(planned(NOW_US - 30 * HOUR_US, NOW_US - HOUR_US, null)).not.toContain(warning);
  const anew = planned(NOW_US - 30 * HOUR_US, null, '-r0a1b2c3d');
  expect(anew).not.toContain(warning);
  expect(anew).toContain('New message ids, ending in -r0a1b2c3d');
});
