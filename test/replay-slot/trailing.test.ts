import { describe, expect, test } from 'vitest';
import type { Lsn } from '../../src/postgres/lsn.js';
import {
  DEFAULT_TRAILING,
  heldBack,
  trailingStep,
  type TrailingLimits,
  type TrailingState,
} from '../../src/replay/trailing.js';

const MIB = 1_048_576n;

function at(mib: number): Lsn {
  return (BigInt(mib) * MIB) as Lsn;
}

const LIMITS: TrailingLimits = { ...DEFAULT_TRAILING, retentionMs: 3_600_000, maxWalBytes: 4_096n * MIB };

function state(
  more: Partial<TrailingState> & { position?: Lsn; restart?: Lsn; lost?: boolean } = {},
): TrailingState {
  const { position = at(1_000), restart = position, lost = false, ...rest } = more;
  return {
    slot: { position, restart, lost },
    wal: at(2_000),
    delivered: at(1_900),
    retained: at(1_500),
    parked: null,
    sinceAdvanceMs: 5_000,
    ...rest,
  };
}

const STAY = { tag: 'stay' };
const step = (to: Lsn, shortened = false): object => ({ tag: 'advance', to, shortened });

describe('the replay slot trails at the older of delivered and now − retention', () => {
  test.each([
    ['retention is older', state({ position: at(1_480) }), LIMITS, step(at(1_500))],
    ['delivered is older', state({ position: at(1_480), delivered: at(1_499) }), LIMITS, step(at(1_499))],
    ['nothing is known to be delivered', state({ delivered: null }), LIMITS, STAY],
    ['the time index does not reach back that far', state({ retained: null }), LIMITS, STAY],
    ['it stands there already', state({ position: at(1_500) }), LIMITS, STAY],
    ['it stands further than the target: never back', state({ position: at(1_600) }), LIMITS, STAY],
    [
      'without retention it follows delivery, whatever the time index says',
      state({ position: at(1_880), retained: at(10) }),
      { ...LIMITS, retentionMs: 0 },
      step(at(1_900)),
    ],
    [
      'without retention, with nothing delivered',
      state({ delivered: null }),
      { ...LIMITS, retentionMs: 0 },
      STAY,
    ],
  ] as const)('%s', (_what, given, limits, expected) => {
    expect(trailingStep(given, limits)).toEqual(expected);
  });
});

describe('it moves in small steps', () => {
  test.each([
    ['a long way is cut', state(), step(at(1_064))],
    ['less than a segment waits', state({ position: at(1_490) }), STAY],
    [
      'less than a segment goes after a minute',
      state({ position: at(1_490), sinceAdvanceMs: 60_000 }),
      step(at(1_500)),
    ],
    [
      'the first step of a process does not wait',
      state({ position: at(1_490), sinceAdvanceMs: null }),
      step(at(1_500)),
    ],
  ] as const)('%s', (_what, given, expected) => {
    expect(trailingStep(given, LIMITS)).toEqual(expected);
  });

  test('with a small limit they are smaller, so that two of them stay below it', () => {
    const least = { ...LIMITS, maxWalBytes: 64n * MIB };
    const given = (position: number): TrailingState =>
      state({ position: at(position), restart: at(position - 1), retained: null, delivered: at(1_990) });
    expect(trailingStep(given(1_951), least)).toEqual(STAY);
    expect(trailingStep(given(1_950), least)).toEqual(step(at(1_952), true));
  });

  test('a restart_lsn held back is read again by every step, so steps are rarer the further back it is', () => {
    const held = state({ position: at(1_400), restart: at(440) });
    expect(trailingStep({ ...held, sinceAdvanceMs: 30_000 }, LIMITS)).toEqual(STAY);
    expect(trailingStep({ ...held, sinceAdvanceMs: 64_000 }, LIMITS)).toEqual(step(at(1_464)));
  });
});

describe('the server’s disk comes first', () => {
  const small = { ...LIMITS, maxWalBytes: 1_000n * MIB };
  test.each([
    ['no slot', state({ slot: null }), { tag: 'missing' }],
    [
      'the server gave it up',
      state({ lost: true }),
      { tag: 'drop', reason: 'lost', retainedBytes: 1_000n * MIB },
    ],
    [
      'exactly at the limit the window is shortened, not the slot dropped',
      state({ retained: at(1_100) }),
      step(at(1_064), true),
    ],
    [
      'past the limit it is dropped',
      state({ wal: at(2_001) }),
      { tag: 'drop', reason: 'too-much-wal', retainedBytes: 1_001n * MIB },
    ],
    [
      'a restart_lsn held back counts, not the position',
      state({ position: at(1_950), restart: at(900) }),
      { tag: 'drop', reason: 'too-much-wal', retainedBytes: 1_100n * MIB },
    ],
    [
      'the window is never shortened past what is not delivered',
      state({ delivered: at(1_020), retained: at(1_005), sinceAdvanceMs: null }),
      step(at(1_020), true),
    ],
    ['with nothing more delivered it stays', state({ delivered: at(1_000) }), STAY],
    [
      'a young time index does not keep it from being shortened',
      state({ retained: null }),
      step(at(1_064), true),
    ],
  ] as const)('%s', (_what, given, expected) => {
    expect(trailingStep(given, small)).toEqual(expected);
  });

  test('a slot is held back when WAL far behind its position is kept', () => {
    expect(heldBack({ position: at(100), restart: at(36) }, 64n * MIB)).toBe(false);
    expect(heldBack({ position: at(101), restart: at(36) }, 64n * MIB)).toBe(true);
  });
});
