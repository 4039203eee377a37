import type { Knex } from 'knex';

import { ConnectorError } from '../errors/connector-error.js';
import type { TableFacts } from './catalog.js';
import { hasFull } from './generated-columns.js';
import { quoteName, rowsOf } from './query.js';

/** A publication of somebody else that closes a table with REPLICA IDENTITY FULL to UPDATE and DELETE. */
export interface ClosingPublication {
  readonly table: string;
  readonly publication: string;
  /** It lists the table's columns; else it leaves out its generated ones. */
  readonly listsColumns: boolean;
}

// The server asks every publication of a table that sends updates or deletes. `pubgencols` is of PostgreSQL 18 and newer.
const CLOSING_SQL = `
SELECT DISTINCT n.nspname || '.' || c.relname AS table, p.pubname::text AS publication, r.prattrs IS NOT NULL AS "listsColumns"
FROM pg_publication_tables t JOIN pg_publication p ON p.pubname = t.pubname
JOIN pg_namespace n ON n.nspname = t.schemaname JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
WHERE n.nspname || '.' || c.relname = ANY(?) AND p.pubname <> ? AND (p.pubupdate OR p.pubdelete)
  AND (r.prattrs IS NOT NULL OR to_jsonb(p) ->> 'pubgencols' = 'n' AND EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attgenerated = 's' AND NOT a.attisdropped))
ORDER BY 1, 2`;

/** Of these tables and their partitions. @throws ConnectorError DATABASE_… */
export async function readClosingPublications(
  knex: Knex,
  tables: readonly TableFacts[],
  own: string,
): Promise<readonly ClosingPublication[]> {
  const names = tables.flatMap(({ members }) => members.map(({ table }) => table));
  return rowsOf<ClosingPublication>(knex, 'reading the other publications', CLOSING_SQL, [names, own]);
}

/** In words, with what its owner can do. */
export function describeClosing({ table, publication, listsColumns }: ClosingPublication): {
  readonly what: string;
  readonly fix: string;
} {
  const alter = `ALTER PUBLICATION ${quoteName(publication)}`;
  return listsColumns
    ? { what: `publication ${publication} lists columns of ${table}`, fix: `${alter} …; -- without the list` }
    : {
        what: `publication ${publication} leaves out the generated columns of ${table}`,
        fix: `${alter} SET (publish_generated_columns = stored);`,
      };
}

/**
 * Refuses where FULL, which is not set yet, would make every UPDATE and DELETE fail for the sake of a publication that is
 * not the connector's.
 * @throws ConnectorError SETUP_REFUSED
 */
export async function requireNoClosingPublication(
  knex: Knex,
  tables: readonly TableFacts[],
  own: string,
): Promise<void> {
  const closing = await readClosingPublications(
    knex,
    tables.filter((facts) => !hasFull(facts)),
    own,
  );
  if (closing.length === 0) return;
  const each = closing.map(describeClosing).map(({ what, fix }) => `${what} (${fix})`);
  throw new ConnectorError(
    'SETUP_REFUSED',
    `with REPLICA IDENTITY FULL every UPDATE and DELETE would fail, because ${each.join('; ')}`,
  );
}
