import { expect, test } from 'vitest';
import { parseLsn } from '../../src/postgres/lsn.js';
import { ServerStop, type Answer } from '../../src/replication/server-stop.js';

function ask(stop: ServerStop, times: number, everyMs: number, at = '0/10', fromMs = 0): Answer[] {
  return Array.from({ length: times }, (_, n) => stop.asked(parseLsn(at), fromMs + n * everyMs));
}

test('questions that come as a server asks in its daily life are answered at once', () => {
  const stop = new ServerStop();
  expect(new Set(ask(stop, 1_000, 300))).toEqual(new Set(['now']));
});

test('questions about ever new positions are answered at once, however fast they come', () => {
  const stop = new ServerStop();
  const answers = Array.from({ length: 1_000 }, (_, n) => stop.asked(parseLsn(`0/${n + 16}`), n * 10));
  expect(new Set(answers)).toEqual(new Set(['now']));
});

test('a server that asks over and over gets its answers later, and after five seconds none', () => {
  const stop = new ServerStop();
  expect(ask(stop, 20, 1)).toEqual([...Array.from({ length: 19 }, () => 'now'), 'later']);
  const later = ask(stop, 100, 50, '0/10', 70);
  expect(later.indexOf('give up')).toBe(99);
});

test('what is confirmed meanwhile moves the position, and the time begins anew', () => {
  const stop = new ServerStop();
  ask(stop, 200, 20);
  expect(stop.asked(parseLsn('0/20'), 4_000)).toBe('now');
});
