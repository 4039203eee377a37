import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import ajvFormats from 'ajv-formats';
import { EVENT_NAMES, type EventName } from '../event.js';
import { OWN_PROPERTIES } from './event-properties.js';
import { objectSchema, type PropertyTable } from './kinds.js';
import { ACCOUNT, PERSON, PLACE, TRAITS, WALLETS } from './shared-properties.js';

/**
 * The published schemas, compiled by part: a part that several events share is checked once, when it is built, and an
 * event only for what it adds. Together the parts are the published schema, which asks for exactly their properties.
 */
const ajv = new Ajv({ allowUnionTypes: true });
ajvFormats.default(ajv, { mode: 'fast', formats: ['date-time', 'date'] });

function compile(table: PropertyTable): ValidateFunction {
  return ajv.compile(objectSchema(table));
}

export const PARTS = {
  person: compile(PERSON),
  place: compile(PLACE),
  wallets: compile(WALLETS),
  account: compile(ACCOUNT),
  traits: compile(TRAITS),
} as const;

export const OWN_PARTS = Object.fromEntries(
  EVENT_NAMES.map((name) => [name, compile(OWN_PROPERTIES[name])]),
) as Readonly<Record<EventName, ValidateFunction>>;

/** What is wrong with a part: path and rule, never a value. Null when nothing is. */
export function problemOf(validate: ValidateFunction, part: unknown): string | null {
  if (validate(part) === true) return null;
  return validate.errors?.map(describe).join('; ') ?? 'is not valid';
}

function describe(error: ErrorObject): string {
  return `${error.instancePath === '' ? '/' : error.instancePath} ${error.message ?? error.keyword}`;
}
