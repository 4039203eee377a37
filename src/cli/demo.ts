import { parseConfig } from '../config/parse.js';
import { present } from '../config/config.js';
import { runDemo } from '../demo/demo.js';
import type { ExitCode } from '../errors/exit-codes.js';
import type { CommandContext } from './context.js';

export interface DemoCommandOptions {
  readonly seconds: number;
  readonly guests: number;
  readonly rate: number;
  readonly seed: number;
  readonly toSegment: boolean;
}

/** Runs the demo. Only with `--to-segment` does the environment matter: it names the source and its region. */
export async function demo(context: CommandContext, options: DemoCommandOptions): Promise<ExitCode> {
  const { seconds, guests, rate, seed } = options;
  const { out, env, signal } = context;
  const isTty = out.isTTY === true;
  return runDemo(
    { seconds, guests, ratePerSecond: rate, seed, toSegment: options.toSegment ? target(context) : null },
    { out, isTty, colours: isTty && (env['NO_COLOR'] ?? '') === '', columns: out.columns, signal },
  );
}

function target({ env }: CommandContext): { writeKey: string; host: string } {
  const config = parseConfig(env, { command: 'demo', role: 'deliver' });
  const { writeKey, host } = present(config.sources[0].delivery, 'Segment source');
  return { writeKey, host };
}
