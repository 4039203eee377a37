import { ConnectorError } from '../../errors/connector-error.js';
import { connectClient, openKnex, type DatabaseOptions } from '../../postgres/connection.js';
import { databaseError } from '../../postgres/database-error.js';
import { fullName, type Catalogue, type CatalogueTable } from './catalogue.js';
import { readCatalogueTables, readNames } from './read-catalogue.js';
import { readCodes } from './read-codes.js';

export interface LookOptions {
  readonly database: DatabaseOptions;
  /** Only tables of these; empty: of all. */
  readonly schemas: readonly string[];
  /** Whether values of columns of codes are read. */
  readonly samples: boolean;
}

export interface Seen {
  readonly catalogue: Catalogue;
  readonly role: string;
  /** Tables this role may not SELECT of. */
  readonly unreadable: readonly string[];
  /** Columns of codes whose values are not known, though they were asked for. */
  readonly unread: readonly string[];
}

/** No look at a column of codes is worth more of a busy server. */
const STATEMENT_TIMEOUT_MS = 5_000;

/**
 * What a live database says of its tables. Reads the catalogue and a few thousand rows of each column of codes; changes nothing.
 * @throws ConnectorError DATABASE_…; MAPPING_INIT_REFUSED where there is nothing to look at
 */
export async function lookAt({ database, schemas, samples }: LookOptions): Promise<Seen> {
  const options = {
    applicationName: 'paytronix-segment-mapping',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    ...database,
  };
  const serverZone = await readServerZone(options);
  const knex = openKnex(options);
  try {
    const names = await readNames(knex);
    const all = await readCatalogueTables(knex);
    const tables = all.filter(({ schema }) => schemas.length === 0 || schemas.includes(schema));
    if (tables.length === 0) throw nothingThere(names.database, all, schemas);
    const read = samples ? await readCodes(knex, tables) : { tables, unread: [] };
    return {
      catalogue: { database: names.database, serverZone, tables: read.tables },
      role: names.role,
      unreadable: tables.filter(({ readable }) => !readable).map(fullName),
      unread: read.unread,
    };
  } finally {
    await knex.destroy();
  }
}

/** Every other connection sets its own TimeZone; this one leaves it as the server, database or role has it. */
async function readServerZone(options: DatabaseOptions): Promise<string> {
  const client = await connectClient(options, { options: '-c DateStyle=ISO' });
  try {
    const { rows } = await client.query<{ zone: string }>("SELECT current_setting('TimeZone') AS zone");
    return rows[0]?.zone ?? 'UTC';
  } catch (error) {
    throw databaseError(error, 'asking for its time zone');
  } finally {
    await client.end();
  }
}

function nothingThere(
  database: string,
  all: readonly CatalogueTable[],
  schemas: readonly string[],
): ConnectorError {
  const there = [...new Set(all.map(({ schema }) => schema))];
  const where = schemas.length === 0 ? 'no table' : `no table in ${schemas.join(', ')}`;
  const others =
    there.length === 0
      ? 'It has none in any schema: does DATABASE_URL name the right database?'
      : `There are tables in ${there.join(', ')}.`;
  return new ConnectorError(
    'MAPPING_INIT_REFUSED',
    `the database ${database} has ${where} that could be published. ${others}`,
  );
}
