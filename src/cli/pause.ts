import { present, type Config, type SourceConfig } from '../config/config.js';
import { parseConfig } from '../config/parse.js';
import { ConnectorError, toError } from '../errors/connector-error.js';
import { EXIT, type ExitCode } from '../errors/exit-codes.js';
import { toldMessage } from '../errors/told.js';
import { closeKnex, openKnex } from '../postgres/connection.js';
import { failpoint } from '../lifecycle/failpoint.js';
import { setPaused } from '../postgres/source-store.js';
import { writePaused } from '../queue/paused.js';
import { closeRedis, connectRedis, untilReady } from '../queue/redis.js';
import type { CommandContext } from './context.js';
import { sourceAsked } from './source.js';

export interface PauseCommandOptions {
  readonly source?: string;
  /** False: resume it. */
  readonly paused: boolean;
}

const TIMEOUT_MS = 5_000;
const CLOSE_GRACE_MS = 500;

/** Pauses a source, or lets it go on: at once in every process that delivers it, and for as long as nobody says otherwise. */
export async function pauseCommand(context: CommandContext, options: PauseCommandOptions): Promise<ExitCode> {
  const config = parseConfig(context.env, { command: 'run', role: 'capture' });
  const source = sourceAsked(config, options.source, 'PAUSE_REFUSED');
  const { name } = source.settings;
  const sinceMs = await writeDown(config, name, options.paused);
  const say = (text: string): void => void context.out.write(`${text}\n`);
  const problem = await tell(config, name, sinceMs);
  say(wordsFor(name, source, options.paused));
  if (problem === null) return EXIT.OK;
  say(
    `It is written down in PostgreSQL, but Redis does not answer (${toldMessage(problem)}): the connector tells it as soon as it does.`,
  );
  return EXIT.FAILED;
}

function wordsFor(name: string, { delivery }: SourceConfig, paused: boolean): string {
  if (paused) {
    return `Source ${name} is paused: nothing is delivered to it until paytronix-segment resume --source ${name}. What is captured meanwhile waits within its queue budget, and past that in the WAL.`;
  }
  const held = delivery?.paused === true ? ' Its configuration says `paused: true`, which holds still.' : '';
  return `Source ${name} goes on.${held}`;
}

/** First where it lasts. Returns since when it is paused. */
async function writeDown(config: Config, source: string, paused: boolean): Promise<number | null> {
  const knex = openKnex({
    ...present(config.postgres, 'database'),
    poolSize: 1,
    applicationName: 'paytronix-segment-pause',
    connectTimeoutMs: TIMEOUT_MS,
    statementTimeoutMs: TIMEOUT_MS,
  });
  try {
    const sinceUs = await setPaused(knex, config.capture.slotName, source, paused);
    failpoint('pause-recorded');
    return sinceUs === null ? null : Math.floor(sinceUs / 1_000);
  } finally {
    await closeKnex(knex, CLOSE_GRACE_MS);
  }
}

/** Where delivery looks. Returns what keeps it from being told. */
async function tell(config: Config, source: string, sinceMs: number | null): Promise<Error | null> {
  let last: Error | null = null;
  const client = connectRedis({
    settings: present(config.redis, 'Redis'),
    use: 'producer',
    name: 'paytronix-segment-pause',
    onError: (error) => {
      last = error;
    },
  });
  try {
    await untilReady(client, AbortSignal.timeout(TIMEOUT_MS));
    await writePaused(client, config.queue.prefix, source, sinceMs);
    return null;
  } catch (error) {
    if (error instanceof ConnectorError) throw error;
    return last ?? toError(error);
  } finally {
    await closeRedis(client);
  }
}
