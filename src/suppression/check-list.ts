import type { PostgresSettings, SuppressionSettings } from '../config/config.js';
import { ConnectorError } from '../errors/connector-error.js';
import { openKnex } from '../postgres/connection.js';
import { quoteName } from '../postgres/query.js';
import { failure, ok, type Finding } from '../preflight/finding.js';
import { ListFile } from './list-file.js';
import type { ListOrigin } from './list-origin.js';
import { ListTable } from './list-table.js';

export interface CheckListOptions {
  readonly settings: SuppressionSettings;
  /** Null: the table is not looked at. */
  readonly postgres: PostgresSettings | null;
}

const WHY = 'Nothing is sent without the list: whoever is on it must not be.';

/** Reads the suppression list from wherever it is configured to be, once. Nothing is found where none is. */
export async function checkList({ settings, postgres }: CheckListOptions): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const { file, table, tableRefreshMs } = settings;
  if (file !== null) {
    const fix = `Make ${file} a UTF-8 text file with a guest id a line that this user may read, or unset SUPPRESSION_FILE.`;
    findings.push(await look('suppression-file', 'SUPPRESSION_FILE', new ListFile(file), () => fix));
  }
  if (table !== null && postgres !== null) {
    const knex = openKnex({ ...postgres, poolSize: 1, applicationName: 'paytronix-segment-suppression' });
    try {
      const origin = new ListTable({ knex, place: table, everyMs: tableRefreshMs });
      const name = `${quoteName(table.schema)}.${quoteName(table.table)}`;
      const grant = `GRANT USAGE ON SCHEMA ${quoteName(table.schema)} TO <role>; GRANT SELECT (${quoteName(table.column)}) ON ${name} TO <role>;`;
      findings.push(
        await look('suppression-table', 'SUPPRESSION_TABLE', origin, ({ facts, advice }) =>
          facts['databaseCode'] === INSUFFICIENT_PRIVILEGE ? grant : advice,
        ),
      );
    } finally {
      await knex.destroy();
    }
  }
  return findings;
}

/** @see https://www.postgresql.org/docs/current/errcodes-appendix.html */
const INSUFFICIENT_PRIVILEGE = '42501';

async function look(
  id: string,
  variable: string,
  origin: ListOrigin,
  fixOf: (error: ConnectorError) => string,
): Promise<Finding> {
  try {
    const found = await origin.look();
    const count = found.tag === 'read' ? found.guests.size : 0;
    return ok(id, `${variable} lists ${count === 1 ? '1 guest' : `${count} guests`}`);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return failure(id, error.message, WHY, fixOf(error));
  }
}
