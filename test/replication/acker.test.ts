import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { Acker, type Ticket } from '../../src/replication/acker.js';
import { lsn } from './pgoutput-messages.js';
import { runs } from '../support/fuzz-runs.js';

describe('the floor', () => {
  test('stays below the first transaction that has not settled, however many later ones have', () => {
    const acker = new Acker(lsn(10n));
    const [a, b, c] = [acker.open(lsn(20n)), acker.open(lsn(30n)), acker.open(lsn(40n))];
    acker.settle(c);
    acker.settle(b);
    expect(acker.floor).toBe(10n);
    expect(acker.oldestOpen).toBe(a);
    expect(acker.settle(a)).toBe(40n);
    expect(acker.oldestOpen).toBeNull();
  });

  test('does not take a keepalive while a transaction is open or one is being received', () => {
    const acker = new Acker(lsn(10n));
    expect(acker.keepalive(lsn(15n), true)).toBe(false);
    const open = acker.open(lsn(20n));
    expect(acker.keepalive(lsn(25n), false)).toBe(false);
    expect(acker.floor).toBe(10n);
    acker.settle(open);
    expect(acker.keepalive(lsn(25n), false)).toBe(true);
    expect(acker.floor).toBe(25n);
  });

  test('never goes back', () => {
    const acker = new Acker(lsn(10n));
    expect(acker.keepalive(lsn(9n), false)).toBe(false);
    expect(acker.floor).toBe(10n);
  });

  test('transactions out of commit order are refused: the floor would lie', () => {
    const acker = new Acker(lsn(10n));
    acker.open(lsn(30n));
    expect(() => acker.open(lsn(20n))).toThrow(RangeError);
  });

  test('is right over many thousands of entries, settled in pairs out of order', () => {
    const acker = new Acker(lsn(0n));
    const tickets = Array.from({ length: 10_000 }, (_, i) => acker.open(lsn(BigInt(i + 1))));
    for (let i = 0; i < tickets.length; i += 2) {
      acker.settle(tickets[i + 1] as Ticket);
      expect(acker.floor).toBe(BigInt(i));
      acker.settle(tickets[i] as Ticket);
      expect(acker.floor).toBe(BigInt(i + 2));
    }
    expect(acker.openCount).toBe(0);
  });

  test('agrees with the plain definition over any sequence of openings, settlements and keepalives', () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('open' as const), by: fc.integer({ min: 1, max: 9 }) }),
      },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('settle' as const), which: fc.nat() }) },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('keepalive' as const),
          by: fc.integer({ min: -5, max: 9 }),
          busy: fc.boolean(),
        }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const acker = new Acker(lsn(100n));
        const model: { end: bigint; settled: boolean; ticket: Ticket }[] = [];
        let position = 100n;
        let confirmed = 100n;
        for (const s of steps) {
          if (s.do === 'open') {
            position += BigInt(s.by);
            model.push({ end: position, settled: false, ticket: acker.open(lsn(position)) });
          } else if (s.do === 'settle') {
            const entry = model[s.which % Math.max(1, model.length)];
            if (entry === undefined) continue;
            entry.settled = true;
            acker.settle(entry.ticket);
          } else {
            const at = position + BigInt(s.by);
            const raised = acker.keepalive(lsn(at), s.busy);
            const may = !s.busy && model.every((entry) => entry.settled) && at > confirmed;
            expect(raised).toBe(may);
            if (may) {
              confirmed = at;
              position = position > at ? position : at;
            }
          }
          const open = model.findIndex((entry) => !entry.settled);
          const last = open === -1 ? model.at(-1) : model[open - 1];
          if (last !== undefined && last.end > confirmed) confirmed = last.end;
          expect(acker.floor).toBe(confirmed);
          expect(acker.oldestOpen).toBe(open === -1 ? null : model[open]?.ticket);
        }
      }),
      runs(200),
    );
  });
});
