import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StreamFloor } from '../../src/capture/stream-floor.js';
import type { Transaction } from '../../src/changes/transaction.js';
import type { Lsn } from '../../src/postgres/lsn.js';
import type { Ticket } from '../../src/replication/acker.js';
import { runs } from '../support/fuzz-runs.js';

const START = 100n;

/** A transaction on its way: received in part, committed, taken, then settled and released in either order. */
interface Coming {
  readonly endLsn: bigint;
  state: 'arriving' | 'waiting' | 'taken';
  ticket: Ticket | null;
  settled: boolean;
  released: boolean;
}

type Step =
  | { readonly do: 'begin' | 'commit' | 'take' | 'derived' }
  | { readonly do: 'settle' | 'release'; readonly which: number }
  | { readonly do: 'keepalive'; readonly ahead: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constantFrom('begin' as const, 'commit' as const, 'take' as const, 'derived' as const),
  }),
  fc.record({ do: fc.constantFrom('settle' as const, 'release' as const), which: fc.nat(20) }),
  fc.record({ do: fc.constant('keepalive' as const), ahead: fc.nat(30) }),
);

/** Drives a StreamFloor as a session does, and knows which rows nothing accounts for yet. */
class World {
  readonly floor: StreamFloor;
  #coming: Coming[] = [];
  #position = START;
  #deriving = false;
  /** The last keepalive that came while all that had come before it was accounted for. */
  idleAt = START;

  constructor() {
    this.floor = new StreamFloor(() => this.#assembling);
    this.floor.begin(START as Lsn, null);
  }

  /** The end of the first transaction that is not settled: nothing at or past it may be confirmed. */
  get limit(): bigint | null {
    return this.#coming.find((one) => !one.settled)?.endLsn ?? null;
  }

  get #assembling(): boolean {
    return this.#coming.some((one) => one.state === 'arriving' || !one.released);
  }

  run(step: Step): void {
    const last = this.#coming.at(-1);
    switch (step.do) {
      case 'begin':
        if (last?.state === 'arriving') return;
        this.#coming.push({
          endLsn: this.#position + 5n,
          state: 'arriving',
          ticket: null,
          settled: false,
          released: false,
        });
        return;
      case 'commit':
        if (last?.state !== 'arriving') return;
        last.state = 'waiting';
        this.#position = last.endLsn > this.#position ? last.endLsn : this.#position;
        return;
      case 'take':
        if (this.#deriving) return;
        for (const one of this.#coming.filter(({ state }) => state === 'waiting')) {
          one.state = 'taken';
          one.ticket = this.floor.opened({
            endLsn: one.endLsn,
            commitTimeUs: Number(one.endLsn),
            receivedAtMs: 1,
          } as Transaction);
        }
        this.#deriving = true;
        this.floor.deriving(true);
        return;
      case 'derived':
        if (!this.#deriving) return;
        this.#deriving = false;
        this.floor.deriving(false);
        return;
      case 'settle':
      case 'release': {
        const one = this.#coming[step.which % Math.max(1, this.#coming.length)];
        if (one === undefined || one.ticket === null) return;
        if (step.do === 'release') one.released = true;
        else if (!one.settled) {
          one.settled = true;
          this.floor.settled(one.ticket);
        }
        return;
      }
      case 'keepalive': {
        // The server has decoded what it is sending: its position may lie past the COMMIT that has not arrived yet.
        const at = this.#position + BigInt(step.ahead);
        if (last?.state !== 'arriving') this.#position = at;
        if (!this.#assembling) this.idleAt = at;
        this.floor.onKeepalive(at as Lsn);
        return;
      }
      default:
        step satisfies never;
    }
  }

  /** Everything goes well from now on. */
  finish(): void {
    this.run({ do: 'commit' });
    this.run({ do: 'derived' });
    this.run({ do: 'take' });
    for (let which = 0; which < this.#coming.length; which += 1) {
      this.run({ do: 'settle', which });
      this.run({ do: 'release', which });
    }
    this.run({ do: 'derived' });
  }
}

test('whatever comes in whatever order: no position is confirmed at or past rows that are not settled, and none goes back', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const world = new World();
      let before = START;
      for (const one of steps) {
        world.run(one);
        const { endLsn } = world.floor.progress;
        expect(endLsn).toBeGreaterThanOrEqual(before);
        if (world.limit !== null) expect(endLsn).toBeLessThan(world.limit);
        before = endLsn;
      }
    }),
    runs(600),
  );
});

test('once all is settled an idle stream’s keepalive is confirmed exactly, or the server would keep its WAL for ever', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40, size: 'max' }),
      fc.bigInt({ min: 1n, max: 1_000n }),
      (steps, ahead) => {
        const world = new World();
        for (const one of steps) world.run(one);
        world.finish();
        expect(world.limit).toBeNull();
        expect(world.floor.oldestOpen).toBeNull();
        // One that had to wait is not forgotten: no other may come for a while.
        expect(world.floor.progress.endLsn).toBeGreaterThanOrEqual(world.idleAt);
        const idle = world.floor.progress.endLsn + ahead + 1_000n;
        world.floor.onKeepalive(idle as Lsn);
        expect(world.floor.progress.endLsn).toBe(idle);
      },
    ),
    runs(300),
  );
});

test('the commit time is that of the last transaction up to the floor', () => {
  const floor = new StreamFloor(() => false);
  floor.begin(START as Lsn, 7);
  const tickets = [110n, 120n, 130n].map((endLsn) =>
    floor.opened({ endLsn, commitTimeUs: Number(endLsn), receivedAtMs: 1 } as Transaction),
  );
  const [a, b, c] = tickets as [Ticket, Ticket, Ticket];
  floor.settled(b);
  expect(floor.progress).toEqual({ endLsn: START, commitTimeUs: 7 });
  expect(floor.oldestOpen).toEqual({ endLsn: 110n, sinceMs: 1 });
  floor.settled(a);
  expect(floor.progress).toEqual({ endLsn: 120n, commitTimeUs: 120 });
  floor.settled(c);
  expect(floor.progress).toEqual({ endLsn: 130n, commitTimeUs: 130 });
});
