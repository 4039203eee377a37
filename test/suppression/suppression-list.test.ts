import { describe, expect, it } from 'vitest';
import { ConnectorError } from '../../src/errors/connector-error.js';
import type { Clock } from '../../src/lifecycle/clock.js';
import type { ListOrigin, Look, OriginName } from '../../src/suppression/list-origin.js';
import { SuppressionList, type ListObserver } from '../../src/suppression/suppression-list.js';
import { setOf } from './sets.js';

const read = (...guestIds: string[]): Look => ({ tag: 'read', guests: setOf(...guestIds) });
const gone = new ConnectorError('SUPPRESSION_UNREADABLE', 'gone');
const away = new ConnectorError('DATABASE_UNREACHABLE', 'away');

/** Answers its looks from a script; the last answer stands. */
class ScriptedOrigin implements ListOrigin {
  readonly name: OriginName;
  readonly everyMs = 1;
  readonly #script: (Look | Error)[];
  looks = 0;

  constructor(name: OriginName, ...script: (Look | Error)[]) {
    this.name = name;
    this.#script = script;
  }

  async look(): Promise<Look> {
    const answer = this.#script[Math.min(this.looks, this.#script.length - 1)];
    this.looks += 1;
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error('no script');
    return answer;
  }
}

/** Looks follow each other at once; the signal aborts after so many sleeps. */
function hurried(sleeps: number): { clock: Clock; signal: AbortSignal } {
  const ending = new AbortController();
  let left = sleeps;
  const sleep = async (): Promise<void> => {
    if (left === 0) ending.abort();
    left -= 1;
  };
  return { clock: { now: () => 0, sleep }, signal: ending.signal };
}

function told(): { observer: ListObserver; words: string[] } {
  const words: string[] = [];
  return {
    words,
    observer: {
      changed: (from, guests, total) => words.push(`${from} ${guests} of ${total}`),
      unreadable: (from, error, known) => words.push(`${from} unreadable: ${error.message}, ${known} known`),
      readable: (from) => words.push(`${from} readable`),
    },
  };
}

describe('the suppression list', () => {
  it('is whoever is on the file or in the table, once both were read', async () => {
    const { clock } = hurried(0);
    const origins = [new ScriptedOrigin('file', read('1', '2')), new ScriptedOrigin('table', read('2', '3'))];
    const list = new SuppressionList({ origins, clock });
    expect(list.guests).toBeNull();
    await list.open({ patiently: false });
    expect(['1', '2', '3', '4'].map((guestId) => list.guests?.has(guestId))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(list.problems).toEqual([]);
  });

  it('keeps whom it knew while an origin cannot be read, says so once, and takes nobody off until it can', async () => {
    const { clock, signal } = hurried(6);
    const { observer, words } = told();
    const file = new ScriptedOrigin(
      'file',
      read('1', '2'),
      gone,
      gone,
      gone,
      { tag: 'unsettled' },
      read('2'),
      {
        tag: 'same',
      },
    );
    const list = new SuppressionList({ origins: [file], clock, observer });
    await list.open({ patiently: false });
    const running = list.run(signal);
    await running;
    expect(words).toEqual(['file 2 of 2', 'file unreadable: gone, 2 known', 'file readable', 'file 1 of 1']);
    expect(list.guests?.has('1')).toBe(false);
    expect(list.problems).toEqual([]);
  });

  it('names what is wrong for as long as it is', async () => {
    const { clock, signal } = hurried(2);
    const list = new SuppressionList({ origins: [new ScriptedOrigin('table', read('1'), away)], clock });
    await list.open({ patiently: true });
    await list.run(signal);
    expect(list.problems).toEqual([{ origin: 'table', error: away, known: 1 }]);
    expect(list.guests?.has('1')).toBe(true);
  });

  it('that was never read and cannot be is refused, at the start and when the database is back', async () => {
    const refused = new SuppressionList({
      origins: [new ScriptedOrigin('file', gone)],
      clock: hurried(0).clock,
    });
    await expect(refused.open({ patiently: true })).rejects.toBe(gone);

    const { clock, signal } = hurried(5);
    const later = new SuppressionList({ origins: [new ScriptedOrigin('table', away, away, gone)], clock });
    await later.open({ patiently: true });
    expect(later.guests).toBeNull();
    await expect(later.run(signal)).rejects.toBe(gone);
  });

  it('is not known before every origin was read, and a command does not wait for that', async () => {
    const { clock, signal } = hurried(5);
    const { observer, words } = told();
    const origins = [
      new ScriptedOrigin('file', read('1'), { tag: 'same' }),
      new ScriptedOrigin('table', away, read('2')),
    ];
    const list = new SuppressionList({ origins, clock, observer });
    await list.open({ patiently: true });
    expect(list.guests).toBeNull();
    expect(list.problems).toMatchObject([{ origin: 'table', known: null }]);
    await list.run(signal);
    expect(list.guests?.size).toBe(2);
    expect(words).toEqual(['table unreadable: away, null known', 'table readable', 'table 1 of 2']);

    const command = new SuppressionList({ origins: [new ScriptedOrigin('table', away)], clock });
    await expect(command.open({ patiently: false })).rejects.toBe(away);
  });
});
