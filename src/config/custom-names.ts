import type { CustomEventSpec } from '../mapping/spec.js';

/** What `custom_events` of the file adds to the names that options may use. */
export interface CustomNames {
  readonly events: readonly string[];
  /** Names of properties. */
  readonly properties: readonly string[];
}

export const NO_CUSTOM_NAMES: CustomNames = { events: [], properties: [] };

export function customNames(events: readonly CustomEventSpec[]): CustomNames {
  const properties = events.flatMap((event) => [...event.properties.keys()]);
  return {
    events: events.map(({ name }) => name.value),
    properties: [...new Set(properties)].filter(isWrittenAsItIs),
  };
}

/** Rules find a property by its name as a call has it; one that JSON writes otherwise they would miss. */
function isWrittenAsItIs(name: string): boolean {
  return JSON.stringify(name) === `"${name}"`;
}
