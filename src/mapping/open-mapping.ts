import type { Knex } from 'knex';
import { ConnectorError } from '../errors/connector-error.js';
import { readTableNames } from '../postgres/catalog.js';
import { readStreamless } from '../postgres/streamless.js';
import { tracksCommitTimes } from '../postgres/system.js';
import { readTableShapes } from '../postgres/table-shapes.js';
import { bindMapping, type Bound } from './bind.js';
import type { Mapping } from './mapping.js';
import { referenceMapping } from './reference.js';
import type { MappingSpec } from './spec.js';

/** Whether the file says anything of the database's tables. */
export function isMapped(spec: MappingSpec): boolean {
  return spec.feeds !== null || spec.customEvents.length > 0;
}

/** Finds in the database what the mapping file names. @throws ConnectorError DATABASE_… */
export async function readMapping(knex: Knex, spec: MappingSpec): Promise<Bound> {
  if (!isMapped(spec)) return { tag: 'bound', mapping: referenceMapping(spec.asked) };
  const trackCommitTimestamp = await tracksCommitTimes(knex);
  const named = tablesNamedBy(spec);
  const catalogue = {
    tables: await readTableShapes(knex, named),
    streamless: await readStreamless(knex, named),
    names: await readTableNames(knex),
  };
  return bindMapping(spec, { catalogue, trackCommitTimestamp });
}

/** As `readMapping`. @throws ConnectorError MAPPING_WRONG with everything that does not fit the database */
export async function openMapping(knex: Knex, spec: MappingSpec): Promise<Mapping> {
  const bound = await readMapping(knex, spec);
  if (bound.tag === 'bound') return bound.mapping;
  const lines = bound.problems.map(({ at, says }) => `  ${at} ${says}`);
  throw new ConnectorError('MAPPING_WRONG', `the mapping does not fit this database:\n${lines.join('\n')}`, {
    facts: { problems: bound.problems.length },
  });
}

function tablesNamedBy({ feeds, customEvents }: MappingSpec): readonly string[] {
  const all = [...(feeds ?? []), ...customEvents];
  return [...new Set(all.flatMap(({ table, joins }) => [table, ...joins.map((join) => join.table)]))].map(
    ({ value }) => value,
  );
}
