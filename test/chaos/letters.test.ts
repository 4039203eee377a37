import { expect, test } from 'vitest';
import { judgeLetters, type Letter } from './letters.js';

const letter = (messageId: string, more: Partial<Letter> = {}): Letter => ({
  messageId,
  reason: 'refused',
  status: 400,
  ...more,
});
const judge = (options: Partial<Parameters<typeof judgeLetters>[0]>) =>
  judgeLetters({
    refusals: new Map([['a', 1_000]]),
    arrived: new Set(),
    letters: [],
    expected: [{ messageId: 'a', certain: true }],
    mayBeLost: () => false,
    ...options,
  });

test('what was refused and never arrived has a letter with the reason', () => {
  expect(judge({ letters: [letter('a')] })).toEqual({ excused: new Set(['a']), findings: [] });
  expect(judge({}).findings).toHaveLength(1);
  expect(judge({}).excused.size).toBe(0);
  expect(judge({ arrived: new Set(['a']) }).findings).toEqual([]);
});

test('a letter of anything else, or with another reason, is found', () => {
  expect(judge({ letters: [letter('a'), letter('b')] }).findings).toHaveLength(1);
  expect(judge({ letters: [letter('a', { reason: 'schema', status: null })] }).findings).toHaveLength(2);
  expect(judge({ letters: [letter('a', { status: 500 })] }).findings).toHaveLength(2);
});

test('a letter may be gone with its guest, or with the last second of a killed Redis', () => {
  expect(judge({ expected: [{ messageId: 'a', certain: false }] })).toEqual({
    excused: new Set(['a']),
    findings: [],
  });
  expect(judge({ mayBeLost: (atMs) => atMs === 1_000 }).findings).toEqual([]);
});
