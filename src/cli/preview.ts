import { present } from '../config/config.js';
import { parseConfig } from '../config/parse.js';
import { EXIT, type ExitCode } from '../errors/exit-codes.js';
import { openKnex } from '../postgres/connection.js';
import { preview } from '../replay/preview.js';
import type { CommandContext } from './context.js';
import { commandLogger, passContext } from './replay.js';
import { sourcesAsked } from './source.js';
import { commandList } from './suppression.js';

export interface PreviewCommandOptions {
  readonly from?: string;
  /** Default: every source. */
  readonly source?: string;
  readonly limit: number;
}

/**
 * Prints what would be sent, a call a line, as Segment would get it; of several sources each with its source around it. Calls that
 * cannot be sent are named on `err`.
 */
export async function previewCommand(
  context: CommandContext,
  options: PreviewCommandOptions,
): Promise<ExitCode> {
  const config = parseConfig(context.env, { command: 'preview' });
  const sources = sourcesAsked(config, options.source, 'REPLAY_REFUSED');
  const isOne = sources.length === 1;
  const database = present(config.postgres, 'database');
  const logger = commandLogger(context, config);
  await using list = await commandList(config, logger);
  const knex = openKnex({ ...database, applicationName: 'paytronix-segment-preview' });
  try {
    await preview({
      context: await passContext({ config, sources, logger, knex, list }),
      mainSlotName: config.capture.slotName,
      from: options.from ?? null,
      limit: options.limit,
      onCall: (call, source) => {
        const named = isOne ? call.json : `{"source":${JSON.stringify(source)},"call":${call.json}}`;
        const to = isOne ? '' : ` to ${source}`;
        if (call.tag === 'event') context.out.write(`${named}\n`);
        else context.err.write(`${call.messageId} cannot be sent${to}: ${call.reason}, ${call.detail}\n`);
      },
      signal: context.signal,
    });
  } finally {
    await knex.destroy();
  }
  return EXIT.OK;
}
