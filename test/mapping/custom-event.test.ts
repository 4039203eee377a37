import { expect, test } from 'vitest';
import type { SourceChange, SourceRow } from '../../src/changes/transaction.js';
import { customReader, occurrenceOf } from '../../src/mapping/custom-event.js';
import type { Condition, Expression } from '../../src/mapping/expression.js';
import type { CustomEvent } from '../../src/mapping/mapping.js';

const column = (name: string): Expression => ({ kind: 'column', join: null, column: name, type: 'text' });
const CONFIRMED: Condition = { kind: 'equals', of: column('status'), values: new Set(['CONFIRMED']) };

function read(changes: Partial<CustomEvent>, change: SourceChange) {
  const event: CustomEvent = {
    name: 'Reservation',
    order: 0,
    table: 'public.reservation',
    on: new Set(['insert', 'update']),
    where: [],
    changed: [],
    becomes: [],
    joins: new Map(),
    key: null,
    primaryKey: column('id'),
    merchantId: { kind: 'constant', text: '1' },
    accountId: null,
    userId: null,
    timestamp: null,
    properties: new Map([['status', column('status')]]),
    ...changes,
  };
  return occurrenceOf(change, customReader(event), (own) => ({ own, joins: new Map(), commitTimeUs: 0 }));
}

const row = (status: string | null | undefined): SourceRow => ({ id: '7', status });
const inserted = (status: string): SourceChange => ({
  op: 'insert',
  table: 't',
  row: row(status),
  old: null,
});
const updated = (before: string | null | undefined, after: string | undefined): SourceChange => ({
  op: 'update',
  table: 't',
  row: row(after),
  old: before === undefined ? null : row(before),
});

test('a value that is reached makes the event once: on the insert that has it, or on the update that brings it', () => {
  const becomes = { becomes: [CONFIRMED] };
  expect(read(becomes, inserted('CONFIRMED'))).toMatchObject({ primaryKey: '7', key: '7' });
  expect(read(becomes, inserted('OPEN'))).toBeNull();
  expect(read(becomes, updated('OPEN', 'CONFIRMED'))).toMatchObject({ primaryKey: '7', key: null });
  expect(read(becomes, updated(null, 'CONFIRMED'))).not.toBeNull();
  expect(read(becomes, updated('CONFIRMED', 'CONFIRMED'))).toBeNull();
  expect(read(becomes, updated('CONFIRMED', 'OPEN'))).toBeNull();
  expect(read(becomes, updated(undefined, 'CONFIRMED'))).toBeNull();
});

test('a change is one of the columns asked for, and only where the row before is known', () => {
  const changed = { changed: ['status'] };
  expect(read(changed, updated('OPEN', 'CONFIRMED'))?.properties).toEqual({
    status: { kind: 'text', text: 'CONFIRMED' },
  });
  expect(read(changed, updated('OPEN', 'OPEN'))).toBeNull();
  expect(read(changed, updated('OPEN', undefined))).toBeNull();
  expect(read(changed, updated(undefined, 'OPEN'))).toBeNull();
});

test('only the kinds of change and the rows that are asked for', () => {
  expect(read({ on: new Set(['insert']) }, updated('OPEN', 'CONFIRMED'))).toBeNull();
  expect(read({ where: [CONFIRMED] }, inserted('OPEN'))).toBeNull();
  expect(read({}, { op: 'delete', table: 't', row: null, old: row('OPEN') })).toBeNull();
});
