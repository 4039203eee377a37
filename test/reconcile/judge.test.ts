import { describe, expect, it } from 'vitest';
import { messageHash } from '../../src/queue/message-hash.js';
import { NOTHING, sumOf, type Sum } from '../../src/reconcile/decode.js';
import {
  judgeMinute,
  judgeSums,
  type Doubt,
  type ExpectedId,
  type MinuteFacts,
} from '../../src/reconcile/judge.js';

const COMMITTED_MS = 1_000;

function expected(
  messageId: string,
  more: Partial<ExpectedId> & { readonly doubt?: Doubt } = {},
): ExpectedId {
  return {
    messageId,
    event: 'POS Activity',
    hash: messageHash(messageId),
    doubt: null,
    commitAtMs: COMMITTED_MS,
    rowAtMs: COMMITTED_MS,
    repeat: false,
    maybe: false,
    listed: false,
    ...more,
  };
}

function sum(...ids: string[]): Sum {
  return sumOf(ids.map(messageHash));
}

function facts(more: Partial<MinuteFacts>): MinuteFacts {
  return {
    expected: ['a', 'b', 'c', 'd'].map((id) => expected(id)),
    live: [],
    suppressed: [],
    again: [],
    queued: new Set(),
    deadLetters: new Set(),
    capturedUpToMs: COMMITTED_MS,
    ...more,
  };
}

function missingIds(more: Partial<MinuteFacts>): string[] {
  return judgeMinute(facts(more)).missingIds.map(({ messageId }) => messageId);
}

describe('one event in one minute', () => {
  it('names what is missing', () => {
    const verdict = judgeMinute(facts({ live: [sum('a', 'b', 'd')] }));
    expect(verdict).toMatchObject({ expected: 4, delivered: 3, missing: 1, extra: 0 });
    expect(missingIds({ live: [sum('a', 'b', 'd')] })).toEqual(['c']);
  });

  it('calls nothing missing while more are in doubt than the sums can tell apart, and all others may have been sent', () => {
    const certain = [...Array(20).keys()].map((n) => `certain-${n}`);
    const doubtful = [...Array(12).keys()].map((n) => `doubtful-${n}`);
    const both = [
      ...certain.map((id) => expected(id)),
      ...doubtful.map((id) => expected(id, { doubt: 'guest_deleted' })),
    ];
    const some = doubtful.filter((_, n) => n % 2 === 0);
    const all = judgeMinute(facts({ expected: both, live: [sum(...certain, ...some)] }));
    expect(all).toMatchObject({ expected: 32, missing: 0, extra: 0, missingIds: [] });
    // Fewer than are certain cannot be all of those.
    const few = judgeMinute(facts({ expected: both, live: [sum(...certain.slice(12), ...some)] }));
    expect(few).toMatchObject({ missing: 6, extra: 0 });
  });

  it('does not call missing what is queued, set aside, suppressed, not captured yet or in doubt', () => {
    const verdict = judgeMinute(
      facts({
        expected: [
          expected('a'),
          expected('b'),
          expected('c'),
          expected('d'),
          expected('late', { commitAtMs: COMMITTED_MS + 1 }),
          expected('closed', { doubt: 'account_terminated' }),
        ],
        live: [sum('a')],
        queued: new Set(['b']),
        deadLetters: new Set(['c']),
        suppressed: [sum('d')],
      }),
    );
    expect(verdict).toMatchObject({
      expected: 6,
      delivered: 1,
      queued: 1,
      deadLetters: 1,
      suppressed: 1,
      toCapture: 1,
      missing: 0,
      undecidable: [{ messageId: 'closed', doubt: 'account_terminated' }],
    });
  });

  it('knows that a call in doubt was delivered when the sum says so', () => {
    const closed = expected('closed', { doubt: 'account_terminated' });
    const verdict = judgeMinute(facts({ expected: [expected('a'), closed], live: [sum('a', 'closed')] }));
    expect(verdict).toMatchObject({ delivered: 2, undecidable: [] });
  });

  it('adds what replays and repairs delivered, each as far as it went', () => {
    expect(missingIds({ live: [sum('a')], again: [sum('b', 'c')] })).toEqual(['d']);
    expect(missingIds({ live: [sum('a')], again: [sum('b'), sum('c', 'd')] })).toEqual([]);
    expect(missingIds({ live: [sum('a', 'b', 'c', 'd')], again: [sum('new-id')] })).toEqual([]);
  });

  it('takes a run that sent all but deleted guests for what it is, also before capture has come that far', () => {
    const ids = Array.from({ length: 40 }, (_, n) => `id-${n}`);
    // Every fifth guest is gone since, more than could be found one by one; some of them the live stream had reached.
    const calls = ids.map((id, n) => expected(id, n % 5 === 0 ? { doubt: 'guest_deleted' } : {}));
    const living = ids.filter((_, n) => n % 5 !== 0);
    for (const capturedUpToMs of [COMMITTED_MS, 0]) {
      const verdict = judgeMinute(
        facts({ expected: calls, live: [sum(...ids.slice(0, 20))], again: [sum(...living)], capturedUpToMs }),
      );
      expect(verdict).toMatchObject({ expected: 40, delivered: 36, missing: 0, extra: 0 });
    }
  });

  describe('with guests on the suppression list', () => {
    const ids = Array.from({ length: 40 }, (_, n) => `id-${n}`);
    // Every fourth guest: more than could be found one by one.
    const theirs = ids.filter((_, n) => n % 4 === 0);
    const others = ids.filter((_, n) => n % 4 !== 0);
    const calls = (isListed: boolean) =>
      ids.map((id, n) => expected(id, { listed: isListed && n % 4 === 0 }));

    it('tells what was passed over from what is missing', () => {
      const found = judgeMinute(
        facts({ expected: calls(true), live: [sum(...others.slice(1))], suppressed: [sum(...theirs)] }),
      );
      expect(found).toMatchObject({ delivered: 29, suppressed: 10, missing: 1, extra: 0 });
      expect(found.missingIds.map(({ messageId }) => messageId)).toEqual(others.slice(0, 1));
    });

    it('does not call missing what was never counted: Redis lost it, or an older release did not', () => {
      const verdict = judgeMinute(facts({ expected: calls(true), live: [sum(...others)] }));
      expect(verdict).toMatchObject({ delivered: 30, suppressed: 10, missing: 0, extra: 0 });
    });

    it('knows of calls from before they were listed, and from after they were taken off, that they were delivered', () => {
      const before = judgeMinute(facts({ expected: calls(true), live: [sum(...ids)] }));
      expect(before).toMatchObject({ delivered: 40, suppressed: 0, missing: 0 });
      const after = judgeMinute(
        facts({ expected: calls(false), live: [sum(...others)], suppressed: [sum(...theirs)] }),
      );
      expect(after).toMatchObject({ delivered: 30, suppressed: 10, missing: 0, extra: 0 });
    });

    it('takes a backfill that left them out for what it is', () => {
      const verdict = judgeMinute(
        facts({ expected: calls(true), live: [sum(...ids.slice(0, 7))], again: [sum(...others)] }),
      );
      expect(verdict).toMatchObject({ missing: 0, extra: 0 });
      expect(verdict.delivered + verdict.suppressed).toBe(40);
    });

    it('counts as missing no more than is, where guests were taken off and it cannot be told whose calls they were', () => {
      const verdict = judgeMinute(
        facts({ expected: calls(false), live: [sum(...others.slice(1, 28))], suppressed: [sum(...theirs)] }),
      );
      expect(verdict).toMatchObject({ expected: 40, delivered: 27, suppressed: 10, missing: 3, extra: 0 });
    });
  });

  it('takes what may have been committed before anything was counted for expected where it was delivered, and else for nothing', () => {
    const early = [expected('a'), expected('early', { maybe: true }), expected('old', { maybe: true })];
    const none = judgeMinute(facts({ expected: early, live: [sum('a')] }));
    expect(none).toMatchObject({ expected: 1, delivered: 1, missing: 0, extra: 0, undecidable: [] });
    const one = judgeMinute(facts({ expected: early, live: [sum('a', 'early')] }));
    expect(one).toMatchObject({ expected: 2, delivered: 2, missing: 0, extra: 0, undecidable: [] });
    const alone = judgeMinute(facts({ expected: early, live: [sum('early')] }));
    expect(alone).toMatchObject({ expected: 2, delivered: 1, missing: 1, extra: 0 });
    expect(alone.missingIds.map(({ messageId }) => messageId)).toEqual(['a']);
  });

  it('calls what was delivered undecidable where which of many it was cannot be told from the sum', () => {
    const early = [...Array(40).keys()].map((n) => expected(`early-${n}`, { maybe: true }));
    const some = early.filter((_, n) => n % 2 === 0).map(({ messageId }) => messageId);
    const verdict = judgeMinute(facts({ expected: early, live: [sum(...some)] }));
    expect(verdict).toMatchObject({ expected: 0, delivered: 0, missing: 0, extra: 0 });
    expect(verdict.undecidable).toEqual(some.map(() => ({ messageId: null, doubt: 'commit_unknown' })));
    const more = judgeMinute(facts({ expected: early, live: [sum(...some, ...some, ...some)] }));
    expect([more.extra, more.undecidable.length]).toEqual([20, 40]);
  });

  it('counts an id that a till repeats with its first row, wherever it was counted', () => {
    const repeated = [expected('a'), expected('earlier', { repeat: true })];
    expect(judgeMinute(facts({ expected: repeated, live: [sum('a')] }))).toMatchObject({
      expected: 1,
      missing: 0,
    });
    expect(judgeMinute(facts({ expected: repeated, live: [sum('a', 'earlier')] }))).toMatchObject({
      missing: 0,
      extra: 0,
    });
  });

  it('counts what the tables imply nothing of as extra', () => {
    expect(judgeMinute(facts({ live: [sum('a', 'b', 'c', 'd', 'x')] }))).toMatchObject({
      missing: 0,
      extra: 1,
    });
    expect(judgeMinute(facts({ expected: [], live: [sum('x')] }))).toMatchObject({ expected: 0, extra: 1 });
    expect(judgeMinute(facts({ live: [sum('a', 'b', 'c', 'x')] }))).toMatchObject({ missing: 1, extra: 1 });
  });

  it('gives the number and the candidates where the ids cannot be told', () => {
    const ids = Array.from({ length: 60 }, (_, i) => `id-${i}`);
    const delivered = ids.filter((_, i) => i % 3 !== 0);
    const verdict = judgeMinute(
      facts({ expected: ids.map((id) => expected(id)), live: [sum(...delivered)] }),
    );
    expect(verdict).toMatchObject({ expected: 60, delivered: 40, missing: 20, extra: 0 });
    expect(verdict.missingIds).toHaveLength(60);
  });

  it('puts together what the histories of a Redis that lost its data have sent, overlapping as they do', () => {
    const ids = Array.from({ length: 60 }, (_, i) => `id-${i}`);
    const calls = ids.map((id) => expected(id));
    const histories = [ids.slice(0, 30), ids.slice(22, 41), ids.slice(38)].map((some) => sum(...some));
    expect(judgeMinute(facts({ expected: calls, live: histories }))).toMatchObject({
      expected: 60,
      delivered: 60,
      missing: 0,
      extra: 0,
    });
    const short = [ids.slice(0, 30), ids.slice(22, 50).filter((id) => id !== 'id-47')].map((some) =>
      sum(...some),
    );
    const verdict = judgeMinute(facts({ expected: calls, live: short }));
    expect(verdict.missingIds.map(({ messageId }) => messageId)).toEqual(['id-47', ...ids.slice(50)]);
  });

  it('needs no ids where the sums agree', () => {
    const none = { certain: NOTHING, doubtful: NOTHING, live: [], suppressed: [], again: [] };
    const certain = sum('a', 'b');
    expect(judgeSums({ ...none, certain, live: [sum('b', 'a')] })).toMatchObject({
      expected: 2,
      delivered: 2,
    });
    expect(judgeSums({ ...none, certain, live: [sum('a')], suppressed: [sum('b')] })).toMatchObject({
      suppressed: 1,
    });
    expect(judgeSums({ ...none, certain, again: [sum('a', 'b')] })).toMatchObject({
      delivered: 2,
      missing: 0,
    });
    expect(judgeSums({ ...none, certain, live: [sum('a', 'c')] })).toBeNull();
  });
});
