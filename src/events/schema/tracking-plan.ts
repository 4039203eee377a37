import { EVENT_NAMES } from '../event.js';
import { CATALOGUE } from './catalogue.js';
import { propertiesOf } from './event-properties.js';
import { objectSchema, type PropertyTable } from './kinds.js';
import { ACCOUNT, PERSON, PLACE, TRAITS, WALLETS } from './shared-properties.js';

const DRAFT = 'http://json-schema.org/draft-07/schema#';

type Section = 'properties' | 'traits';

function callSchema(section: Section, title: string, description: string, members: object): object {
  return {
    $schema: DRAFT,
    title,
    description,
    type: 'object',
    properties: { [section]: members },
    required: [section],
  };
}

/** Properties of every event: the plan's global schema leaves room for what each adds. */
function globalSchema(): object {
  const shared: PropertyTable = { ...PERSON, ...PLACE, ...WALLETS, ...ACCOUNT };
  return callSchema('properties', 'Every event', 'The properties that every track call carries.', {
    ...objectSchema(shared),
    additionalProperties: true,
  });
}

/**
 * The tracking plan: rules in the form of Segment's Public API, with one draft-07 JSON Schema per event.
 * @see https://docs.segmentapis.com/tag/Tracking-Plans
 */
export function trackingPlan(): {
  readonly name: string;
  readonly type: string;
  readonly rules: readonly TrackingRule[];
} {
  const tracks = EVENT_NAMES.map((name): TrackingRule => ({
    type: 'TRACK',
    key: name,
    version: 1,
    jsonSchema: callSchema('properties', name, CATALOGUE[name].summary, objectSchema(propertiesOf(name))),
  }));
  const identify: TrackingRule = {
    type: 'IDENTIFY',
    version: 1,
    jsonSchema: callSchema('traits', 'identify', 'A registered guest.', objectSchema(TRAITS)),
  };
  const common: TrackingRule = { type: 'COMMON', version: 1, jsonSchema: globalSchema() };
  return { name: 'Paytronix loyalty', type: 'LIVE', rules: [common, ...tracks, identify] };
}

interface TrackingRule {
  readonly type: 'COMMON' | 'TRACK' | 'IDENTIFY';
  readonly key?: string;
  readonly version: number;
  readonly jsonSchema: object;
}

/** Text of `docs/tracking-plan.json`. */
export function renderTrackingPlan(): string {
  return `${JSON.stringify(trackingPlan(), null, 2)}\n`;
}
