import { present, type Config } from '../config/config.js';
import { parseConfig } from '../config/parse.js';
import { ConnectorError } from '../errors/connector-error.js';
import { EXIT, type ExitCode } from '../errors/exit-codes.js';
import type { Mapping } from '../mapping/mapping.js';
import { isMapped, openMapping } from '../mapping/open-mapping.js';
import { REFERENCE_MAPPING } from '../mapping/reference.js';
import type { MappingSpec } from '../mapping/spec.js';
import { openKnex } from '../postgres/connection.js';
import { giveUpQueueGaps } from '../postgres/give-up-queue-gaps.js';
import { migrateReference } from '../postgres/migrate.js';
import { setUp, type StepReport } from '../postgres/setup.js';
import { setupScript } from '../postgres/setup-sql.js';
import { setUpReplaySlot } from '../replay/setup-replay-slot.js';
import { compareStart } from '../replication/startup.js';
import type { CommandContext } from './context.js';
import { styleFor, type Style } from './style.js';

export interface SetupCommandOptions {
  readonly print: boolean;
  readonly wholeTables: boolean;
  readonly acceptGap: boolean;
  readonly referenceSchema: boolean;
}

/** Role of the printed grants when no DATABASE_URL names one. */
const DEFAULT_ROLE = 'paytronix_segment';

/** Makes in the database what the connector needs, and says of each thing what it did; or prints the SQL for it. */
export async function setup(context: CommandContext, options: SetupCommandOptions): Promise<ExitCode> {
  if (options.print) {
    context.out.write(await script(context, options));
    return EXIT.OK;
  }
  const config = parseConfig(context.env, { command: 'setup' });
  const database = present(config.postgres, 'database');
  const style = styleFor(context.out, context.env);
  const say = (report: StepReport): void => void context.out.write(`${reportLine(report, style)}\n`);
  const knex = openKnex(database);
  try {
    if (options.referenceSchema) say(await makeReferenceSchema(knex));
    await setUp(knex, {
      database,
      mapping: await openMapping(knex, config.mapping),
      publicationName: config.capture.publicationName,
      slotName: config.capture.slotName,
      wholeTables: options.wholeTables,
      acceptGap: options.acceptGap,
      compareStart,
      replaySlot: setUpReplaySlot,
      onStep: say,
    });
    if (options.acceptGap) {
      for (const report of await giveUpQueueGaps(knex, config.capture.slotName)) say(report);
    }
  } finally {
    await knex.destroy();
  }
  context.out.write('Done. Next: paytronix-segment check\n');
  return EXIT.OK;
}

async function script(context: CommandContext, options: SetupCommandOptions): Promise<string> {
  const { capture, postgres, mapping } = parseConfig(context.env, { command: 'print' });
  const user = postgres === null ? '' : decodeURIComponent(new URL(postgres.url).username);
  return setupScript({
    publicationName: capture.publicationName,
    slotName: capture.slotName,
    role: user === '' ? DEFAULT_ROLE : user,
    wholeTables: options.wholeTables,
    mapping: await mappingToPrint(mapping, postgres),
  });
}

/** Without a mapping the script needs no database; with one, it must be looked at. */
async function mappingToPrint(spec: MappingSpec, postgres: Config['postgres']): Promise<Mapping> {
  if (!isMapped(spec)) return REFERENCE_MAPPING;
  if (postgres === null) {
    throw new ConnectorError(
      'CONFIG_INVALID',
      'DATABASE_URL is not set, and a mapping is printed for the tables of its database',
    );
  }
  const knex = openKnex(postgres);
  try {
    return await openMapping(knex, spec);
  } finally {
    await knex.destroy();
  }
}

async function makeReferenceSchema(knex: Parameters<typeof migrateReference>[0]): Promise<StepReport> {
  const { applied } = await migrateReference(knex);
  return applied.length === 0
    ? { step: 'schema', did: 'kept', detail: 'reference loyalty schema is up to date' }
    : { step: 'schema', did: 'created', detail: 'reference loyalty schema' };
}

export function reportLine({ did, step, detail }: StepReport, style: Style): string {
  const verb = did.padEnd('created'.length);
  const shown = did === 'kept' ? style.dim(verb) : style.green(verb);
  return `${shown}  ${step.padEnd('replica identity'.length)}  ${detail}`;
}
