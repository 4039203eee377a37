import { budgetsOf, pausedSources, present, queueSources } from '../config/config.js';
import { parseConfig } from '../config/parse.js';
import { EXIT, type ExitCode } from '../errors/exit-codes.js';
import { systemClock } from '../lifecycle/clock.js';
import { closeKnex, openKnex } from '../postgres/connection.js';
import { QueueStatusReader } from '../queue/status.js';
import { whoHoldsTheFloor } from '../status/floor.js';
import { readStatus } from '../status/status.js';
import type { CommandContext } from './context.js';
import { renderStatus, statusJson } from './status-screen.js';
import { styleFor } from './style.js';

export interface StatusCommandOptions {
  readonly json: boolean;
}

/** A server that takes longer is said not to answer. */
const TIMEOUT_MS = 5_000;
const CLOSE_GRACE_MS = 500;

/** Where everything stands, from PostgreSQL and Redis alone: it says the same whether or not a connector runs. */
export async function statusCommand(
  context: CommandContext,
  options: StatusCommandOptions,
): Promise<ExitCode> {
  const config = parseConfig(context.env, { command: 'run', role: 'capture' });
  const { queue, capture, sources } = config;
  const knex = openKnex({
    ...present(config.postgres, 'database'),
    poolSize: 1,
    applicationName: 'paytronix-segment-status',
    connectTimeoutMs: TIMEOUT_MS,
    statementTimeoutMs: TIMEOUT_MS,
  });
  const reader = new QueueStatusReader({
    redis: present(config.redis, 'Redis'),
    sources: queueSources(sources),
    prefix: queue.prefix,
  });
  try {
    const facts = await readStatus({
      knex,
      slotName: capture.slotName,
      queue: reader,
      budgets: budgetsOf(sources),
      pausedByFile: pausedSources(sources),
      clock: systemClock,
      timeoutMs: TIMEOUT_MS,
    });
    const floor = whoHoldsTheFloor(facts);
    context.out.write(
      options.json
        ? statusJson(facts, floor)
        : renderStatus(facts, floor, styleFor(context.out, context.env)),
    );
    return facts.database.tag === 'answered' && facts.queue.tag === 'answered' ? EXIT.OK : EXIT.FAILED;
  } finally {
    await reader.close();
    await closeKnex(knex, CLOSE_GRACE_MS);
  }
}
