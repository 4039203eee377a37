import { expect, test } from 'vitest';
import type { DerivedEvent, MessageId } from '../../src/events/event.js';
import { ZERO_LSN, parseLsn, type Lsn } from '../../src/postgres/lsn.js';
import type { EventSink, OfferedTransaction } from '../../src/queue/sink.js';
import { RunJournal } from '../../src/replay/journal.js';
import { parsePosition, resolvePosition, timeText } from '../../src/replay/position.js';
import { NO_COUNTS } from '../../src/replay/run-store.js';
import { newMessageId, SelectingSink, type Selection } from '../../src/replay/selection.js';
import { rangeWithin, type ReplayWindow } from '../../src/replay/window.js';

const HOUR_US = 3_600_000_000;
const NOW_US = Date.UTC(2026, 6, 1, 12) * 1_000;

const WINDOW: ReplayWindow = {
  from: parseLsn('0/1000'),
  fromTimeUs: NOW_US - 6 * HOUR_US,
  to: parseLsn('0/9000'),
  toTimeUs: NOW_US - 1_000_000,
  nowUs: NOW_US,
};

test('a position is a WAL position, a time to the microsecond, or how long ago; anything else is none', () => {
  expect(parsePosition('16/B374D848')).toEqual({ tag: 'lsn', lsn: parseLsn('16/B374D848') });
  expect(parsePosition('2h')).toEqual({ tag: 'ago', agoUs: 2 * HOUR_US });
  expect(parsePosition('3d')).toEqual({ tag: 'ago', agoUs: 72 * HOUR_US });
  expect(parsePosition('2026-07-01T12:00:00Z')).toEqual({ tag: 'time', timeUs: NOW_US });
  expect(parsePosition('2026-07-01 14:00:00.000007+02:00')).toEqual({ tag: 'time', timeUs: NOW_US + 7 });
  for (const text of [
    '',
    '2',
    '2w',
    'yesterday',
    '2026-07-01',
    '2026-07-01T12:00:00',
    '2026-13-01T12:00:00Z',
    '0/',
  ]) {
    expect(parsePosition(text), text).toBeNull();
  }
  for (const us of [NOW_US, NOW_US + 7, NOW_US + 999_999]) {
    expect(parsePosition(timeText(us))).toEqual({ tag: 'time', timeUs: us });
  }
  expect(resolvePosition({ tag: 'ago', agoUs: HOUR_US }, NOW_US)).toEqual({
    tag: 'time',
    timeUs: NOW_US - HOUR_US,
  });
});

test('a range begins exactly at a position, and for a time at the latest position known to lie before it', () => {
  const lsn = (text: string): { tag: 'lsn'; lsn: Lsn } => ({ tag: 'lsn', lsn: parseLsn(text) });
  const hourAgo = { tag: 'ago', agoUs: HOUR_US } as const;
  expect(rangeWithin(WINDOW, { from: lsn('0/2000'), to: lsn('0/3000') })).toEqual({
    from: parseLsn('0/2000'),
    to: parseLsn('0/3000'),
    fromTimeUs: null,
    toTimeUs: null,
  });
  const byTime = { to: WINDOW.to, fromTimeUs: NOW_US - HOUR_US, toTimeUs: null };
  expect(rangeWithin(WINDOW, { from: hourAgo, to: null })).toEqual({ ...byTime, from: WINDOW.from });
  expect(rangeWithin(WINDOW, { from: hourAgo, to: null }, parseLsn('0/4000'))).toEqual({
    ...byTime,
    from: parseLsn('0/4000'),
  });
  // An index that lags behind the slot says nothing.
  expect(rangeWithin(WINDOW, { from: hourAgo, to: null }, parseLsn('0/500'))).toEqual({
    ...byTime,
    from: WINDOW.from,
  });
  // What the live stream has not confirmed is still its own to send.
  expect(rangeWithin(WINDOW, { from: lsn('0/2000'), to: lsn('0/A000') }).to).toBe(WINDOW.to);
});

test.each([
  ['a position before the window', { tag: 'lsn', lsn: parseLsn('0/FFF') }, null],
  ['a time before the window', { tag: 'ago', agoUs: 7 * HOUR_US }, null],
  ['an end before the start', { tag: 'ago', agoUs: HOUR_US }, { tag: 'ago', agoUs: 2 * HOUR_US }],
  ['a position after the end', { tag: 'lsn', lsn: parseLsn('1/0') }, null],
  ['a time to come', { tag: 'time', timeUs: NOW_US + 1 }, null],
] as const)('%s is refused with the window', (_what, from, to) => {
  expect(() => rangeWithin(WINDOW, { from, to })).toThrow(
    expect.objectContaining({
      code: 'REPLAY_WINDOW',
      message: expect.stringContaining('the window is 0/1000 (2026-07-01T06:00:00') as string,
    }),
  );
});

test('a window whose start has no known time takes positions and refuses times', () => {
  const untimed = { ...WINDOW, fromTimeUs: null };
  expect(rangeWithin(untimed, { from: { tag: 'lsn', lsn: parseLsn('0/1000') }, to: null }).from).toBe(
    WINDOW.from,
  );
  expect(() => rangeWithin(untimed, { from: { tag: 'ago', agoUs: 1 }, to: null })).toThrow(
    'replay --from 0/1000',
  );
});

const ALL: Selection = { names: null, accountIds: null, fromTimeUs: null, toTimeUs: null, idSuffix: null };

function call(name: 'identify' | 'Loyalty Registration' | 'POS Activity', account: string): DerivedEvent {
  const messageId = `px-1-${name === 'identify' ? 'identify' : 'x'}-${account}` as MessageId;
  return {
    tag: 'event',
    name,
    messageId,
    accountKey: account,
    guestId: null,
    rank: { kind: name === 'POS Activity' ? 4 : 0, key: '1', part: name === 'identify' ? 0 : 1 },
    json: `{"type":"track","messageId":"${messageId}","properties":{"messageId":"${messageId}"}}`,
  };
}

const COMPOSITE = '1:store%3A1:9';

async function selected(
  selection: Partial<Selection>,
  commitTimeUs = 5,
): Promise<{ ids: string[]; json: string[]; tally: object }> {
  const [ids, json]: [string[], string[]] = [[], []];
  let tally = {};
  const inner: EventSink = {
    offer: async (offered) => {
      for (const each of offered.calls) {
        ids.push(each.messageId);
        json.push(each.json);
      }
      offered.settled();
    },
    flush: async () => undefined,
  };
  const sink = new SelectingSink({
    selection: { ...ALL, ...selection },
    inner,
    onSettled: (_end, counted) => void (tally = Object.fromEntries(counted)),
  });
  let settled = false;
  const offered: OfferedTransaction = {
    source: 'default',
    endLsn: ZERO_LSN,
    commitTimeUs,
    receivedAtMs: 0,
    calls: [
      call('identify', '1:7'),
      call('Loyalty Registration', '1:7'),
      call('POS Activity', '1:8'),
      call('POS Activity', '1:txn:9'),
      call('POS Activity', COMPOSITE),
    ],
    settled: () => void (settled = true),
  };
  await sink.offer(offered);
  expect(settled).toBe(true);
  return { ids, json, tally };
}

test('an event is chosen with the identify call that belongs to it, `identify` alone without the events', async () => {
  expect((await selected({ names: new Set(['Loyalty Registration']) })).ids).toEqual([
    'px-1-identify-1:7',
    'px-1-x-1:7',
  ]);
  expect((await selected({ names: new Set(['identify']) })).ids).toEqual(['px-1-identify-1:7']);
  expect((await selected({})).tally).toEqual({ identify: 1, 'Loyalty Registration': 1, 'POS Activity': 3 });
});

test('an account is chosen by its id, never by the key of a row without an account', async () => {
  expect((await selected({ accountIds: new Set(['7', '9', 'txn']) })).ids).toEqual([
    'px-1-identify-1:7',
    'px-1-x-1:7',
  ]);
  expect((await selected({ accountIds: new Set(['store%3A1:9']) })).ids).toEqual([`px-1-x-${COMPOSITE}`]);
});

test('times choose inclusively, and a commit outside settles without a call', async () => {
  expect((await selected({ fromTimeUs: 5, toTimeUs: 5 })).ids).toHaveLength(5);
  expect((await selected({ fromTimeUs: 6 })).ids).toEqual([]);
  expect((await selected({ toTimeUs: 4 })).ids).toEqual([]);
});

test('a new id is set in the call itself and nowhere else', async () => {
  const { ids, json } = await selected({ names: new Set(['POS Activity']), idSuffix: '-r0a1b2c3d' });
  expect(ids[0]).toBe('px-1-x-1:8-r0a1b2c3d');
  expect(json[0]).toBe(
    '{"type":"track","messageId":"px-1-x-1:8-r0a1b2c3d","properties":{"messageId":"px-1-x-1:8"}}',
  );
});

test('a new id stays under 100 characters and different for different ids', () => {
  const long = `px-777777-survey-${'9'.repeat(80)}`;
  const made = [long, `${long}8`, `${long}7`].map((id) => newMessageId(id, '-r0a1b2c3d'));
  expect(new Set(made).size).toBe(3);
  for (const id of made) expect(id).toMatch(/^px-777777-survey-9+h[0-9a-f]{40}-r0a1b2c3d$/);
  for (const id of made) expect(id).toHaveLength(99);
});

test('a journal counts exactly what lies before its position, whatever settles first', () => {
  const journal = new RunJournal(parseLsn('0/10'), NO_COUNTS);
  const settle = [0x20n, 0x30n, 0x40n].map((end) =>
    journal.opened({ endLsn: end as Lsn } as Parameters<RunJournal['opened']>[0], end !== 0x30n),
  );
  journal.queued(0x20n as Lsn, new Map([['POS Activity', 2]]));
  journal.queued(
    0x40n as Lsn,
    new Map([
      ['POS Activity', 1],
      ['rejected', 1],
    ]),
  );
  settle[2]?.();
  expect([journal.position, journal.done]).toEqual([0x10n, NO_COUNTS]);
  settle[0]?.();
  expect([journal.position, journal.done]).toEqual([0x20n, { commits: 1, calls: { 'POS Activity': 2 } }]);
  settle[1]?.();
  expect([journal.position, journal.done]).toEqual([
    0x40n,
    { commits: 2, calls: { 'POS Activity': 3, rejected: 1 } },
  ]);
});
