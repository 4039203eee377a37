import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import ajvFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { EVENT_NAMES } from '../../src/events/event.js';
import { CATALOGUE } from '../../src/events/schema/catalogue.js';
import { propertiesOf } from '../../src/events/schema/event-properties.js';
import { renderEventsDoc } from '../../src/events/schema/events-doc.js';
import { renderTrackingPlan, trackingPlan } from '../../src/events/schema/tracking-plan.js';
import { LIBRARY } from '../../src/version.js';
import { exampleCommits, runCommit } from './example-rows.js';
import { settingsOf, World } from './world.js';
import { deriveEvents } from '../../src/events/derive.js';

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

/** @see https://segment.com/docs/connections/storage/warehouses/schema/ */
const RESERVED = [
  'id',
  'user_id',
  'anonymous_id',
  'received_at',
  'sent_at',
  'timestamp',
  'event',
  'event_text',
];

test('the published documents are what the code checks by', () => {
  expect(read('docs/tracking-plan.json')).toBe(renderTrackingPlan());
  expect(read('docs/events.md')).toBe(renderEventsDoc());
});

test('events say the version that package.json says', () => {
  const manifest = JSON.parse(read('package.json')) as { name: string; version: string };
  expect(LIBRARY).toEqual({ name: manifest.name, version: manifest.version });
});

describe.each(EVENT_NAMES)('%s', (event) => {
  test('has the sixteen properties, and none that a warehouse would lose', () => {
    const names = Object.keys(propertiesOf(event));
    expect(names.slice(0, 16)).toEqual([
      'first_name',
      'last_name',
      'printed_card_number',
      'email_opt_in',
      'text_opt_in',
      'store_name',
      'store_code',
      'store_latitude',
      'store_longitude',
      'store_city',
      'store_postal_code',
      'store_state',
      'store_country',
      'wallets_info',
      'flat_wallets_info',
      'all_wallets_info',
    ]);
    expect(names.filter((name) => RESERVED.includes(name) || name.startsWith('context_'))).toEqual([]);
  });

  test('is in the documentation with every property', () => {
    const section = renderEventsDoc().split(`## ${event}\n`)[1]?.split('\n## ')[0] ?? '';
    expect(section).toContain(`px-<merchant>-${CATALOGUE[event].slug}-`);
    for (const name of Object.keys(propertiesOf(event)).slice(23)) expect(section).toContain(`\`${name}\``);
  });
});

test('every call the examples’ rows imply keeps the published schema, and none with a property too many or too few does', () => {
  const ajv = new Ajv({ allowUnionTypes: true });
  ajvFormats.default(ajv);
  const world = new World();
  for (const example of exampleCommits()) {
    const commit = runCommit(world, example);
    for (const call of deriveEvents({
      commit,
      facts: world,
      settings: settingsOf({ surveyAnswers: true }),
    })) {
      const rule = trackingPlan().rules.find(
        (each) => (each.key ?? 'identify') === call.name && each.type !== 'COMMON',
      );
      const section = call.name === 'identify' ? 'traits' : 'properties';
      const sent = JSON.parse(call.json) as Record<string, Record<string, unknown>>;
      expect(ajv.validate(rule?.jsonSchema ?? false, sent), JSON.stringify(ajv.errors)).toBe(true);
      const { first_name: _left, ...fewer } = sent[section] ?? {};
      expect(ajv.validate(rule?.jsonSchema ?? false, { ...sent, [section]: fewer })).toBe(false);
      const more = { ...sent, [section]: { ...sent[section], home_address: '1 Main Street' } };
      expect(ajv.validate(rule?.jsonSchema ?? false, more)).toBe(false);
    }
  }
});
