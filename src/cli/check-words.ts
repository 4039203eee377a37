import { openKnex, type DatabaseOptions } from '../postgres/connection.js';
import { tracksCommitTimes } from '../postgres/system.js';
import { ConnectorError } from '../errors/connector-error.js';
import { failure, warning, type Finding } from '../preflight/finding.js';
import { readMapping } from '../mapping/open-mapping.js';
import { recordNameOf } from '../mapping/record-names.js';
import type { MappingSpec } from '../mapping/spec.js';
import { strayWords, type StrayWords } from '../mapping/stray-words.js';
import { valueSetOf } from '../mapping/value-sets.js';

/** No look at a column of codes is worth more of a busy server. */
const STATEMENT_TIMEOUT_MS = 5_000;

/**
 * What the mapped tables hold for columns of records that the records know no word for. Reads a few thousand rows of each
 * table. Empty where the mapping does not fit, which is found elsewhere; only a bug rejects.
 */
export async function checkWords(database: DatabaseOptions, spec: MappingSpec): Promise<readonly Finding[]> {
  if (spec.feeds === null) return [];
  const knex = openKnex({ ...database, poolSize: 1, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
  try {
    const bound = await readMapping(knex, spec);
    if (bound.tag === 'wrong') return [];
    return (await strayWords(knex, bound.mapping, await tracksCommitTimes(knex))).map(asFinding);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return [failure('codes', error.message, error.code, error.advice)];
  } finally {
    await knex.destroy();
  }
}

function asFinding({ record, column, table, words }: StrayWords): Finding {
  const place = `${recordNameOf(record)}.${column}`;
  const given = words === null ? 'values' : words.map((word) => (word === '' ? "''" : word)).join(', ');
  const known = valueSetOf(record, column) ?? [];
  return warning(
    'codes',
    `${table} gives ${place} ${given}, which ${words?.length === 1 ? 'is no word' : 'are no words'} of it`,
    consequence(record, column),
    `Say in \`codes\` what each stands for, or in \`else\` what any other does: ${known.join(', ')}.`,
  );
}

function consequence(record: string, column: string): string {
  return record === 'loyalty.guest' && column === 'status'
    ? 'Nothing is sent of such guests until it is mended.'
    : 'It decides nothing: events may be missing, or sent where they should not be.';
}
