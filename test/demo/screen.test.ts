import { describe, expect, it } from 'vitest';

import type { ReceivedCall } from '../../src/demo/received-call.js';
import {
  coloured,
  eventLine,
  plain,
  statusLine,
  verdictLines,
  verdictTable,
} from '../../src/demo/screen-lines.js';
import { Screen } from '../../src/demo/screen.js';
import { CALL_NAMES, verify, type Tally, type Verdict } from '../../src/demo/verify.js';

const AT_MS = Date.parse('2026-11-20T19:02:12.050Z');

function call(values: Partial<ReceivedCall> = {}): ReceivedCall {
  return {
    name: 'Add/Redeem',
    messageId: 'px-1-add_redeem-1',
    arrivedAtMs: AT_MS,
    userId: '7',
    accountId: '7',
    timestampMs: AT_MS - 1_000,
    clockSuspect: false,
    wallets: [],
    firstName: 'Ilu',
    lastName: 'Quillfeather',
    cardNumber: '6000301000418017',
    storeName: 'Harborside',
    happenedAtMs: AT_MS - 43,
    ...values,
  };
}

const tally = (values: Partial<Tally> = {}): Tally => ({
  expected: 120,
  received: 120,
  missing: 0,
  extra: 0,
  again: 0,
  wrong: 0,
  outOfOrder: 0,
  p50Ms: 8.4,
  p99Ms: 125.2,
  ...values,
});

const good: Verdict = {
  byName: new Map(CALL_NAMES.map((name) => [name, tally()])),
  total: tally({ expected: 1_200, received: 1_200 }),
  findings: [],
  ok: true,
};

describe('at 80 columns', () => {
  it('an event says when, what, who, where and how late', () => {
    const lines = [
      call(),
      call({ name: 'Loyalty Registration', firstName: 'Würzlo', lastName: null, storeName: null }),
      call({
        name: 'POS Activity',
        firstName: null,
        lastName: null,
        storeName: 'A store with a very long name',
      }),
      call({
        name: 'Survey Completion',
        firstName: null,
        lastName: null,
        cardNumber: null,
        happenedAtMs: AT_MS - 12_345,
      }),
      call({ name: 'identify', happenedAtMs: AT_MS - 86_400_000 }),
    ].map((one) => eventLine(one, 80, plain));
    expect(lines.map((line) => [...line].length)).toEqual([80, 80, 80, 80, 80]);
    expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
      "
      19:02:12.050 Add/Redeem           Ilu Q. ··8017      Harborside            43 ms
      19:02:12.050 Loyalty Registration Würzlo ··8017                            43 ms
      19:02:12.050 POS Activity         unregistered ··80… A store with a v…     43 ms
      19:02:12.050 Survey Completion    no account         Harborside           12.3 s
      19:02:12.050 identify             Ilu Q. ··8017      Harborside                 
      "
    `);
  });

  it('never shows more of a card number than its last four digits', () => {
    const line = eventLine(call(), 200, coloured);
    expect(line).toContain('··8017');
    expect(line).not.toContain('18017');
  });

  it('the status line says how it goes', () => {
    const status = {
      perSecond: 41,
      received: 12_345,
      commits: 9_876,
      queued: 12,
      lagMs: 35.2,
      phase: '18 s left',
    };
    expect(statusLine(status, 79).trimEnd()).toMatchInlineSnapshot(
      `" 18 s left │ 41/s │ 9,876 commits │ 12,345 received │ 12 queued │ lag 35 ms"`,
    );
    expect([...statusLine(status, 79)].length).toBe(79);
    expect(statusLine({ ...status, queued: null, lagMs: null }, 79).trimEnd()).toMatchInlineSnapshot(
      `" 18 s left │ 41/s │ 9,876 commits │ 12,345 received"`,
    );
  });

  it('the table holds every event and fits', () => {
    const lines = verdictTable(good, plain);
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(80);
    expect(`\n${[...lines, ...verdictLines(good, plain)].join('\n')}\n`).toMatchInlineSnapshot(`
      "
      ────────────────────────────────────────────────────────────────────────────────
      event                expected received missing extra again wrong order  p50  p99
      ────────────────────────────────────────────────────────────────────────────────
      Loyalty Registration      120      120       0     0     0     0     0    8  125
      Web Registration          120      120       0     0     0     0     0    8  125
      Check-In                  120      120       0     0     0     0     0    8  125
      Identify Customer         120      120       0     0     0     0     0    8  125
      POS Activity              120      120       0     0     0     0     0    8  125
      Add/Redeem                120      120       0     0     0     0     0    8  125
      Recharge Value            120      120       0     0     0     0     0    8  125
      Referral                  120      120       0     0     0     0     0    8  125
      Survey Completion         120      120       0     0     0     0     0    8  125
      identify                  120      120       0     0     0     0     0    8  125
      ────────────────────────────────────────────────────────────────────────────────
      all                      1200     1200       0     0     0     0     0    8  125
      ────────────────────────────────────────────────────────────────────────────────
      again: deliveries beyond the rows that imply them, which Segment drops by id
      wrong: other balances, time, account or user than the tables give
      order: arrived before an earlier one of its account
      p50, p99: milliseconds from commit to receipt
      Every call arrived, with its balances and in order: 1,200 of 1,200.
      "
    `);
  });

  it('what differs is named', () => {
    const bad = verify([], [call(), call({ messageId: 'px-1-add_redeem-2' })]);
    expect(verdictLines(bad, plain).join('\n')).toMatchInlineSnapshot(`
      "Not as committed: 0 missing, 2 extra, 0 wrong, 0 out of order.
        extra        px-1-add_redeem-1
        extra        px-1-add_redeem-2"
    `);
  });
});

class Paper {
  text = '';
  write(text: string): void {
    this.text += text;
  }
}

describe('the screen', () => {
  const state = { commits: 3, queued: 0, phase: '1 s left' };

  it('writes plain lines to a pipe, and a status every five seconds', () => {
    const out = new Paper();
    const screen = new Screen({ out, isTty: false, colours: false });
    screen.event(call());
    for (const afterMs of [0, 250, 4_999, 5_000]) screen.refresh(AT_MS + afterMs, state);
    expect(out.text).not.toContain('\u001b');
    expect(out.text.split('\n').filter((line) => line.includes('commits'))).toHaveLength(2);
  });

  it('keeps the status at the foot of a terminal, under what is written later', () => {
    const out = new Paper();
    const screen = new Screen({ out, isTty: true, colours: false });
    screen.refresh(AT_MS, state);
    screen.event(call());
    expect(out.text.lastIndexOf('commits')).toBeGreaterThan(out.text.indexOf('Add/Redeem'));
    screen.settle();
    expect(out.text.endsWith('\r\u001b[K')).toBe(true);
  });

  it('uses colours only when asked to', () => {
    const out = new Paper();
    const screen = new Screen({ out, isTty: true, colours: false });
    screen.event(call());
    screen.verdict(good);
    expect(out.text).not.toContain('\u001b[3');
    new Screen({ out, isTty: true, colours: true }).event(call());
    expect(out.text).toContain('\u001b[33mAdd/Redeem');
  });

  it('shows no more than an eye can follow and says how much it left out', () => {
    const out = new Paper();
    const screen = new Screen({ out, isTty: false, colours: false, linesPerSecond: 2 });
    for (let nth = 0; nth < 5; nth += 1) screen.event(call());
    screen.refresh(AT_MS, state);
    expect(out.text.match(/Add\/Redeem/g)).toHaveLength(2);
    expect(out.text).toContain('and 3 more calls');
    screen.event(call({ arrivedAtMs: AT_MS + 1_000 }));
    expect(out.text.match(/Add\/Redeem/g)).toHaveLength(3);
  });
});
