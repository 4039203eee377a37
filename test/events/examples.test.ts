import { readdirSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import ajvFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { deriveEvents } from '../../src/events/derive.js';
import type { Derived } from '../../src/events/event.js';
import { trackingPlan } from '../../src/events/schema/tracking-plan.js';
import { exampleCommits, runCommit, worldAt } from './example-rows.js';
import { settingsOf, World } from './world.js';

const DIRECTORY = new URL('examples/', import.meta.url);

interface Call {
  type: string;
  event?: string;
  messageId: string;
}

function readExample(file: string): Call {
  return JSON.parse(readFileSync(new URL(file, DIRECTORY), 'utf8')) as Call;
}

const FILES = readdirSync(DIRECTORY).filter((file) => file.endsWith('.json'));
const COMMIT_OF: Record<string, string> = {
  'identify.json': 'registration',
  'loyalty-registration.json': 'registration',
  'web-registration.json': 'registration',
};

/** Every path of an object in the order it is written. */
function paths(value: unknown, at = ''): string[] {
  if (typeof value !== 'object' || value === null) return [at];
  return Object.entries(value).flatMap(([key, inner]) => [`${at}/${key}`, ...paths(inner, `${at}/${key}`)]);
}

function derivedFrom(commitName: string): Derived[] {
  const { world, commit } = worldAt(commitName);
  return [...deriveEvents({ commit, facts: world, settings: settingsOf() })];
}

describe('the example calls', () => {
  test('are all here', () => {
    expect(FILES).toHaveLength(10);
  });

  test.each(FILES)('%s is what its rows imply, field by field and in key order', (file) => {
    const expected = readExample(file);
    const calls = derivedFrom(COMMIT_OF[file] ?? file.replace('.json', ''));
    const call = calls.find((each) => each.messageId === expected.messageId);
    expect(call?.tag).toBe('event');
    const sent: unknown = JSON.parse(call?.json ?? 'null');
    expect(sent).toEqual(expected);
    expect(paths(sent)).toEqual(paths(expected));
  });

  test('and those named beside them are all that the rows imply, in order', () => {
    const world = new World();
    const sent: string[] = [];
    for (const example of exampleCommits()) {
      const commit = runCommit(world, example);
      for (const call of deriveEvents({ commit, facts: world, settings: settingsOf() }))
        sent.push(call.messageId);
    }
    expect(sent).toEqual([
      'px-777777-identify-registration-998877',
      'px-777777-loyalty_registration-998877',
      'px-777777-web_registration-998877',
      'px-777777-check_in-77001',
      'px-777777-identify-2-20261120-4502-998877',
      'px-777777-identify_customer-2-20261120-4502-998877',
      'px-777777-pos_activity-5501234570',
      'px-777777-pos_activity-5501234566',
      'px-777777-pos_activity-5501234580',
      'px-777777-add_redeem-5501234580',
      'px-777777-referral-31007',
      'px-777777-recharge_value-90210',
      'px-777777-survey_completion-61005',
    ]);
  });

  test.each(FILES)('%s keeps the published schema', (file) => {
    const example = readExample(file);
    const rule = trackingPlan().rules.find((each) =>
      example.type === 'track' ? each.key === example.event : each.type === 'IDENTIFY',
    );
    const ajv = new Ajv({ allowUnionTypes: true });
    ajvFormats.default(ajv);
    expect(ajv.validate(rule?.jsonSchema ?? false, example), JSON.stringify(ajv.errors)).toBe(true);
  });
});
