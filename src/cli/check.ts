import type { Config } from '../config/config.js';
import { parseConfig } from '../config/parse.js';
import type { Role } from '../config/option.js';
import { checkSegment } from '../delivery/preflight.js';
import { EXIT, type ExitCode } from '../errors/exit-codes.js';
import { checkCurrency } from './check-currency.js';
import { checkWords } from './check-words.js';
import { readMapping } from '../mapping/open-mapping.js';
import { checkDatabase } from '../postgres/preflight/check-database.js';
import { failure, type Finding } from '../preflight/finding.js';
import { checkRedis } from '../queue/preflight.js';
import { compareStart } from '../replication/startup.js';
import { checkList } from '../suppression/check-list.js';
import type { CommandContext } from './context.js';
import { findingsJson, renderFindings, wouldWork, type Section } from './findings.js';
import { styleFor } from './style.js';

export interface CheckCommandOptions {
  readonly json: boolean;
  readonly role: Role;
}

/** Looks at every place the role needs, all at once, and prints what was found. Sends no event and changes nothing. */
export async function check(context: CommandContext, options: CheckCommandOptions): Promise<ExitCode> {
  const { json, role } = options;
  const config = parseConfig(context.env, { command: 'check', role });
  const areas: [area: string, findings: Promise<readonly Finding[]>][] = [];
  if (role !== 'deliver') areas.push(['PostgreSQL', database(config)]);
  areas.push(['Redis', redis(config, role)]);
  const postgres = role === 'deliver' ? null : config.postgres;
  const { file, table } = config.suppression;
  if (file !== null || (table !== null && postgres !== null)) {
    areas.push(['Suppression list', checkList({ settings: config.suppression, postgres })]);
  }
  if (role !== 'capture') {
    for (const { settings, delivery } of config.sources) {
      const area = config.sources.length === 1 ? 'Segment' : `Segment source ${settings.name}`;
      areas.push([area, checkSegment({ delivery })]);
    }
  }
  const sections: Section[] = await Promise.all(
    areas.map(async ([area, findings]) => ({ area, findings: await findings })),
  );
  context.out.write(
    json ? findingsJson(sections) : renderFindings(sections, styleFor(context.out, context.env)),
  );
  return wouldWork(sections) ? EXIT.OK : EXIT.FAILED;
}

async function database({ postgres, capture, mapping }: Config): Promise<readonly Finding[]> {
  if (postgres === null) {
    return [
      failure(
        'database-url',
        'DATABASE_URL is not set',
        'It names the database whose changes are captured.',
        'export DATABASE_URL=postgresql://user:password@host:5432/database',
      ),
    ];
  }
  const { slotName, publicationName, replayMaxWalBytes } = capture;
  const found = await checkDatabase({
    database: postgres,
    slotName,
    publicationName,
    compareStart,
    replayMaxWalBytes,
    readMapping: (knex) => readMapping(knex, mapping),
  });
  const isReached = found.every(
    ({ id, level }) => level !== 'error' || (id !== 'connection' && id !== 'query'),
  );
  return isReached ? [...found, ...checkCurrency(mapping), ...(await checkWords(postgres, mapping))] : found;
}

async function redis(
  { redis: settings, queue, sources, suppression }: Config,
  role: Role,
): Promise<readonly Finding[]> {
  if (settings === null) {
    return [
      failure(
        'redis-url',
        'REDIS_URL is not set',
        'Events are queued there before their rows are confirmed.',
        'export REDIS_URL=redis://host:6379',
      ),
    ];
  }
  const needsList = role === 'deliver' && suppression.table !== null;
  const names = sources.map(({ settings: { name } }) => name);
  return checkRedis({ settings, prefix: queue.prefix, ...(needsList ? { needsListOf: names } : {}) });
}
