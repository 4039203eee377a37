import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { present } from '../config/config.js';
import { parseConfig } from '../config/parse.js';
import { ConnectorError, toError } from '../errors/connector-error.js';
import { EXIT, type ExitCode } from '../errors/exit-codes.js';
import { lookAt, type Seen } from '../mapping/init/look.js';
import type { Proposal } from '../mapping/init/proposal.js';
import { propose } from '../mapping/init/propose.js';
import { renderProposal } from '../mapping/init/render.js';
import { quoteName, quoteTable } from '../postgres/query.js';
import type { CommandContext } from './context.js';

export interface MappingInitOptions {
  /** Empty: all. */
  readonly schemas: readonly string[];
  /** Null: standard output. */
  readonly output: string | null;
  readonly force: boolean;
  readonly samples: boolean;
}

/** Proposes a mapping for the database of the configuration. Changes nothing but the file it may write. */
export async function mappingInit(context: CommandContext, options: MappingInitOptions): Promise<ExitCode> {
  const { schemas, output, force, samples } = options;
  // Before a look that may take its time.
  if (output !== null && !force && existsSync(output)) throw isThere(output);
  const config = parseConfig(context.env, { command: 'mapping' });
  const seen = await lookAt({ database: present(config.postgres, 'database'), schemas, samples });
  const proposal = propose(seen.catalogue);
  const text = renderProposal(proposal);
  if (output === null) context.out.write(text);
  else {
    await write(output, text, force);
    context.out.write(`Wrote ${output}: ${summary(proposal)}.\n`);
  }
  for (const warning of warnings(seen)) context.err.write(`${warning}\n`);
  return proposal.tag === 'nothing' ? EXIT.FAILED : EXIT.OK;
}

async function write(output: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(output, text, { flag: force ? 'w' : 'wx' });
  } catch (thrown) {
    const error: NodeJS.ErrnoException = toError(thrown);
    if (error.code === 'EEXIST') throw isThere(output);
    throw new ConnectorError('MAPPING_INIT_REFUSED', `${output} cannot be written`, { cause: error });
  }
}

function isThere(output: string): ConnectorError {
  return new ConnectorError('MAPPING_INIT_REFUSED', `${output} is there already; --force overwrites it`);
}

function summary(proposal: Proposal): string {
  switch (proposal.tag) {
    case 'reference':
      return 'these are the tables of the reference schema, it says whether anything is lacking';
    case 'nothing':
      return 'no mapping is proposed, it says why';
    case 'mapping': {
      const feeds = proposal.sections.filter((section) => section.tag === 'feed' && !section.offered);
      const records = [...new Set(feeds.map(({ record }) => record))];
      return `${records.join(', ')}; not placed: ${proposal.unplaced.length} of ${proposal.tables} tables`;
    }
    default: {
      const unknown: never = proposal;
      throw new RangeError(`no such proposal: ${JSON.stringify(unknown)}`);
    }
  }
}

/** What was not to be read, and the statement that changes it. */
function warnings({ role, unreadable, unread }: Seen): string[] {
  const lines: string[] = [];
  if (unreadable.length > 0) {
    const [what, its] =
      unreadable.length === 1 ? ['a table', 'its'] : [`${unreadable.length} tables`, 'their'];
    lines.push(
      `warning: ${role} may not read ${what}; ${its} values were not looked at, and ${its} rows could not be sent.`,
      `→ ${grants(role, unreadable)}`,
    );
  }
  const others = unread.filter((place) => !unreadable.some((table) => place.startsWith(`${table}.`)));
  if (others.length > 0) {
    lines.push(
      `warning: the values of ${others.join(', ')} could not be read in time; their codes are not proposed.`,
    );
  }
  return lines;
}

/** A table in a schema that may not be used cannot be read either. */
function grants(role: string, tables: readonly string[]): string {
  const schemas = [...new Set(tables.map((table) => quoteName(table.slice(0, table.indexOf('.')))))];
  const usage = `GRANT USAGE ON SCHEMA ${schemas.join(', ')} TO ${quoteName(role)};`;
  return `${usage} GRANT SELECT ON ${tables.map((table) => quoteTable(table)).join(', ')} TO ${quoteName(role)};`;
}
