import pg from 'pg';

import { toError } from '../errors/connector-error.js';

/** `cannot_connect_now`: the server shuts down, or is not up yet. */
const CANNOT_CONNECT_NOW = '57P03';

/**
 * Whether the server turns new sessions away because it is shutting down, or has not come up again. Anything else that may
 * be wrong with it says nothing of that: false.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export async function refusesSessions(connection: pg.ClientConfig): Promise<boolean> {
  const client = new pg.Client(connection);
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    return (toError(error) as NodeJS.ErrnoException).code === CANNOT_CONNECT_NOW;
  }
  await client.end();
  return false;
}
