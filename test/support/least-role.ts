import { randomBytes } from 'node:crypto';
import type { System } from './system.js';

export interface Role extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
}

/** A role with what the connector needs and nothing more. */
export async function leastRole(brand: System): Promise<Role> {
  const name = `r_${randomBytes(6).toString('hex')}`;
  await brand.db.sql(`
    CREATE ROLE ${name} LOGIN REPLICATION PASSWORD 'secret';
    GRANT USAGE ON SCHEMA loyalty, txn, survey, segment_connector TO ${name};
    GRANT SELECT ON ALL TABLES IN SCHEMA loyalty, txn, survey TO ${name};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA segment_connector TO ${name}`);
  const url = new URL(brand.db.url);
  url.username = name;
  url.password = 'secret';
  return {
    name,
    url: url.href,
    [Symbol.asyncDispose]: async () => {
      await brand.db.sql(`DROP OWNED BY ${name}; DROP ROLE ${name}`);
    },
  };
}
