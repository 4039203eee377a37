import type { PropertyTable } from './kinds.js';
import { OWN_PROPERTIES } from './event-properties.js';
import { ACCOUNT, PERSON, PLACE, TRAITS, WALLETS } from './shared-properties.js';

/** Properties and traits by name, with whether they are text: only text can be masked, hashed or cut. */
export const REDACTABLE: ReadonlyMap<string, 'text' | 'other'> = new Map(
  [PERSON, PLACE, WALLETS, ACCOUNT, TRAITS, ...Object.values(OWN_PROPERTIES)].flatMap(
    (table: PropertyTable) =>
      Object.entries(table).map(([name, { kind }]): [string, 'text' | 'other'] => [
        name,
        kind === 'string' || kind === 'id' ? 'text' : 'other',
      ]),
  ),
);
