import { expect, test } from 'vitest';
import { judgeRepeats, type Cause, type RepeatsOptions } from './repeats.js';

const at = (messageId: string, requestNo: number, atMs: number, timestamp = '12:00') => ({
  messageId,
  timestamp,
  requestNo,
  atMs,
});
const judge = (options: Partial<RepeatsOptions>) =>
  judgeRepeats({
    deliveries: [],
    doubtful: new Set(),
    causes: [],
    interruptions: [],
    implied: new Map(),
    ...options,
  });
const STRIKE: Cause = { tag: 'requests', label: 'kill', fromMs: 10_000, untilMs: 10_000, most: 1 };
const LOSS: Cause = {
  tag: 'queue',
  label: 'flushall',
  fromMs: 50_000,
  untilMs: 60_000,
  committedAfterMs: 30_000,
};

test('a call that nothing explains is found, one that never came again is not', () => {
  const { findings } = judge({ deliveries: [at('a', 1, 1_000), at('b', 1, 1_000), at('a', 2, 2_000)] });
  expect(findings).toEqual([expect.stringContaining('1 calls of request 2 came again')]);
  expect(judge({ deliveries: [at('a', 1, 1_000), at('b', 2, 2_000)] }).findings).toEqual([]);
});

test('several rows that imply one call bring it as often', () => {
  const deliveries = [at('a', 1, 1_000), at('a', 2, 2_000), at('a', 3, 3_000)];
  expect(judge({ deliveries, implied: new Map([['a', { rows: 3, commitAtMs: 900 }]]) }).findings).toEqual([]);
  expect(
    judge({ deliveries, implied: new Map([['a', { rows: 2, commitAtMs: 900 }]]) }).findings,
  ).toHaveLength(1);
});

test('rows that differ in time bring the call again without a cause, and one of them twice does not', () => {
  const implied = new Map([['a', { rows: 2, commitAtMs: 900 }]]);
  const each = [at('a', 1, 9_900, '12:00'), at('a', 2, 9_950, '12:01')];
  expect(judge({ deliveries: each, implied, causes: [STRIKE] }).classes.requests.came).toBe(0);
  expect(judge({ deliveries: [...each, at('a', 3, 20_000, '12:01')], implied }).findings).toHaveLength(1);
});

test('an answer that left the sender in doubt explains its own request and no other', () => {
  const deliveries = [at('a', 1, 1_000), at('b', 2, 1_500), at('a', 3, 2_000), at('b', 3, 2_000)];
  const { classes, findings } = judge({ deliveries, doubtful: new Set([1]) });
  expect(classes.answers).toEqual({ came: 1, allowed: 1 });
  expect(findings).toHaveLength(1);
});

test('a strike explains as many requests as were in flight when it struck', () => {
  const deliveries = [at('a', 1, 9_900), at('b', 2, 9_950), at('a', 3, 12_000)];
  expect(judge({ deliveries, causes: [STRIKE] })).toMatchObject({
    findings: [],
    classes: { requests: { came: 1, allowed: 1 } },
  });
  const more = [...deliveries, at('b', 4, 12_100)];
  expect(judge({ deliveries: more, causes: [STRIKE] }).findings).toEqual([
    '2 requests came again where kill puts 1 in doubt',
  ]);
  expect(judge({ deliveries: more, causes: [STRIKE, { ...STRIKE }] }).findings).toEqual([]);
});

test('a strike explains nothing that was sent long before or after it', () => {
  expect(
    judge({ deliveries: [at('a', 1, 2_000), at('a', 2, 12_000)], causes: [STRIKE] }).findings,
  ).toHaveLength(1);
  expect(
    judge({ deliveries: [at('a', 1, 20_000), at('a', 2, 21_000)], causes: [STRIKE] }).findings,
  ).toHaveLength(1);
});

test('a Redis that lost everything explains what was not known to be delivered, once', () => {
  const implied = new Map([
    ['a', { rows: 1, commitAtMs: 31_000 }],
    ['b', { rows: 1, commitAtMs: 29_000 }],
  ]);
  const once = [at('a', 1, 31_100), at('a', 2, 52_000)];
  expect(judge({ deliveries: once, causes: [LOSS], implied })).toMatchObject({
    findings: [],
    classes: { queue: { came: 1, allowed: 1 } },
  });
  const before = [at('b', 1, 29_100), at('b', 2, 52_000)];
  expect(judge({ deliveries: before, causes: [LOSS], implied }).findings).toHaveLength(1);
  const twice = [...once, at('a', 3, 54_000)];
  expect(judge({ deliveries: twice, causes: [LOSS], implied }).findings).toHaveLength(1);
  const interruptions = [{ fromMs: 53_000, untilMs: 53_000, interruptsCapture: true }];
  expect(judge({ deliveries: twice, causes: [LOSS], implied, interruptions }).findings).toEqual([]);
});

test('what is read with a gap comes from the tables and from the stream, once each, whatever answers had to be asked for again', () => {
  const gap: Cause = {
    tag: 'recovery',
    label: 'recover',
    fromMs: 50_000,
    untilMs: 90_000,
    committedAfterMs: 40_000,
  };
  const implied = new Map([['a', { rows: 1, commitAtMs: 55_000 }]]);
  // Filled once, with two answers that came too late; then streamed.
  const deliveries = [at('a', 1, 70_000), at('a', 2, 73_000), at('a', 3, 76_000), at('a', 4, 95_000)];
  const doubtful = new Set([1, 2]);
  expect(judge({ deliveries, doubtful, causes: [gap], implied })).toMatchObject({
    findings: [],
    classes: { answers: { came: 2 }, recovery: { came: 1, allowed: 1 } },
  });
  const more = [...deliveries, at('a', 5, 96_000)];
  expect(judge({ deliveries: more, doubtful, causes: [gap], implied }).findings).toHaveLength(1);
});

test('of several rows that imply one call each has a commit of its own', () => {
  const implied = new Map([['a', { rows: 2, commitAtMs: 29_900 }]]);
  const deliveries = [at('a', 1, 29_950, '12:00'), at('a', 2, 30_400, '12:01'), at('a', 3, 52_000, '12:01')];
  expect(judge({ deliveries, causes: [LOSS], implied }).findings).toEqual([]);
  const earlier = [...deliveries, at('a', 4, 52_000, '12:00')];
  expect(judge({ deliveries: earlier, causes: [LOSS], implied }).findings).toHaveLength(1);
});

test('once what was lost is known to be delivered, nothing of it comes again', () => {
  const deliveries = [at('a', 1, 31_100), at('a', 2, 75_000)];
  const implied = new Map([['a', { rows: 1, commitAtMs: 31_000 }]]);
  expect(judge({ deliveries, causes: [LOSS], implied }).findings).toHaveLength(1);
});
