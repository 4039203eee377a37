import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ddlOf } from '../mapping/init/ddl.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { invoke } from './invoke.js';

let database: TestDatabase;
let directory: string;
let env: Record<string, string>;

beforeAll(async () => {
  database = await testDatabase({ migrate: false });
  await database.sql(ddlOf('legacy-brand'));
  await database.sql(`
    INSERT INTO shops VALUES (1, 'Main Street', 'Boston', '02108');
    INSERT INTO members VALUES (7, 'Ada', 'Ahlgren', 'ada@example.com', '6006000000001', 120, 1, 'Y', 'A', '2019-03-01 10:00');
    INSERT INTO sales VALUES (1, 7, 1, 3, 'S', 1250, '2026-07-01 12:00'), (2, 7, 1, 3, 'V', 1250, '2026-07-01 12:05');`);
  directory = await mkdtemp(join(tmpdir(), 'mapping-init-'));
  // Nothing but the database: neither a queue nor a source is needed for a look.
  env = { DATABASE_URL: database.url };
});
afterAll(async () => {
  await rm(directory, { recursive: true });
  await database.close();
});

describe('mapping init', () => {
  it('prints a mapping that says what the tables are, and nothing of who is in them', async () => {
    const { exitCode, out, err } = await invoke(['mapping', 'init'], env);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    const { mapping } = parse(out) as { mapping: Record<string, unknown> };
    expect(Object.keys(mapping)).toEqual(
      expect.arrayContaining(['guest', 'account', 'card', 'transaction', 'recharge']),
    );
    expect(out).toContain('modifier: { column: kind, codes: { V: VOID }, else: NONE } # others found: S');
    for (const personal of ['Ada', 'Ahlgren', 'example.com', '6006000000001', 'Main Street', 'Boston']) {
      expect(out).not.toContain(personal);
    }
  });

  it('takes the database from connector.yaml, too', async () => {
    const file = join(directory, 'connector.yaml');
    await writeFile(file, `database_url: ${database.url}\n`);
    const { exitCode, out } = await invoke(['mapping', 'init'], { CONFIG_FILE: file });
    expect(exitCode).toBe(0);
    expect(out).toContain('table: public.members');
  });

  it('reads no rows when told not to', async () => {
    const { out } = await invoke(['mapping', 'init', '--no-samples'], env);
    expect(out).toContain(
      "email_opt_in: { column: opt_in, true: ['1'] } # TODO its values were not looked at",
    );
  });

  it('writes a file, and does not overwrite one unless it is told to', async () => {
    const file = join(directory, 'mapping.yaml');
    const first = await invoke(['mapping', 'init', '--output', file], env);
    expect(first).toMatchObject({ exitCode: 0, err: '' });
    expect(first.out).toMatch(/^Wrote .*mapping\.yaml: store, guest, .*; not placed: 1 of 6 tables\.\n$/);
    const printed = await invoke(['mapping', 'init'], env);
    expect(await readFile(file, 'utf8')).toBe(printed.out);

    await writeFile(file, 'mine: true\n');
    const refused = await invoke(['mapping', 'init', '--output', file], env);
    expect(refused).toMatchObject({ exitCode: 70, out: '' });
    expect(refused.err).toMatch(
      /^MAPPING_INIT_REFUSED: .*mapping\.yaml is there already; --force overwrites it\n→ /,
    );
    expect(await readFile(file, 'utf8')).toBe('mine: true\n');

    expect((await invoke(['mapping', 'init', '--output', file, '--force'], env)).exitCode).toBe(0);
    expect(await readFile(file, 'utf8')).toBe(printed.out);
  });

  it('says why a file cannot be written', async () => {
    const { exitCode, err } = await invoke(
      ['mapping', 'init', '--output', join(directory, 'no', 'file.yaml')],
      env,
    );
    expect(exitCode).toBe(70);
    expect(err).toMatch(/^MAPPING_INIT_REFUSED: .*file\.yaml cannot be written\n {2}because: ENOENT/);
  });

  it('names tables it may not read with the GRANT that lets it', async () => {
    const role = `cli_${database.name}`;
    await database.sql(
      `CREATE ROLE ${role} LOGIN PASSWORD 'cli'; GRANT SELECT ON members, sales, shops TO ${role}`,
    );
    const url = new URL(database.url);
    [url.username, url.password] = [role, 'cli'];
    const { exitCode, err } = await invoke(['mapping', 'init'], { DATABASE_URL: url.href });
    expect(exitCode).toBe(0);
    expect(err).toBe(
      `warning: ${role} may not read 3 tables; their values were not looked at, and their rows could not be sent.\n` +
        `→ GRANT USAGE ON SCHEMA "public" TO "${role}"; GRANT SELECT ON "public"."gift_reload", "public"."members_bak", "public"."survey_answers" TO "${role}";\n`,
    );
    await database.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  it('ends with 1 and says why where no table is of people', async () => {
    await using other = await testDatabase({ migrate: false });
    await other.sql('CREATE TABLE products (id int8 PRIMARY KEY, title text)');
    const { exitCode, out } = await invoke(['mapping', 'init'], { DATABASE_URL: other.url });
    expect(exitCode).toBe(1);
    expect(out).toContain('# No mapping is proposed: no table looks like the people that events are about.');
    expect(out).toContain('public.products: what is sold');
  });

  it('needs a database, and says how to name it', async () => {
    const { exitCode, err } = await invoke(['mapping', 'init'], {});
    expect(exitCode).toBe(78);
    expect(err).toContain('DATABASE_URL is not set');
    const away = await invoke(['mapping', 'init'], { DATABASE_URL: 'postgresql://u:secret@127.0.0.1:1/x' });
    expect(away.exitCode).toBe(70);
    expect(away.err).toMatch(/^DATABASE_UNREACHABLE: /);
    expect(away.err).not.toContain('secret');
  });
});
