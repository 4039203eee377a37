import { expect, test } from 'vitest';
import { armFailpoint, failpoint, FAILPOINTS, parseFailpoint } from '../../src/lifecycle/failpoint.js';
import {
  CAPTURE_PLACES,
  COMMAND_PLACES,
  DELIVERY_PLACES,
  SINGLE_PLACES,
  SLOT_PLACES,
  SOURCE_PLACES,
} from './killed.js';

test('at every failpoint there is a process is killed', () => {
  const places = [CAPTURE_PLACES, DELIVERY_PLACES, SLOT_PLACES, SOURCE_PLACES, COMMAND_PLACES, SINGLE_PLACES]
    .flat()
    .map(({ at }) => at);
  expect(new Set(places)).toEqual(new Set(Object.keys(FAILPOINTS)));
  expect(places).toHaveLength(Object.keys(FAILPOINTS).length);
});

test('a failpoint strikes once, at the passing asked for, and no other does', () => {
  let struck = 0;
  armFailpoint('job-added', 3, () => (struck += 1));
  for (let n = 1; n <= 2; n += 1) failpoint('job-added');
  failpoint('job-taken');
  expect(struck).toBe(0);
  for (let n = 3; n <= 9; n += 1) failpoint('job-added');
  expect(struck).toBe(1);
});

test('anything but a name, with or without a passing, is refused', () => {
  expect(parseFailpoint('job-added')).toEqual({ name: 'job-added', passing: 1 });
  expect(parseFailpoint('job-added:12')).toEqual({ name: 'job-added', passing: 12 });
  for (const text of ['', 'job', 'job-added:0', 'job-added:-1', 'job-added:1.5', 'job-added 1', 'toString'])
    expect(parseFailpoint(text), text).toBeNull();
});
