import { Command, CommanderError, Option } from 'commander';
import { ROLES, type Role } from '../config/option.js';
import { toError } from '../errors/connector-error.js';
import { EXIT, EXIT_MEANING, type ExitCode } from '../errors/exit-codes.js';
import { LIBRARY } from '../version.js';
import { callNames, callNamesOrOthers, durationUs, numberFrom, wordOf } from './arguments.js';
import type { BackfillCommandOptions } from './backfill.js';
import type { CommandContext } from './context.js';
import { RECONCILE_EXAMPLES, REPLAY_EXAMPLES, SAME_CONFIGURATION } from './help-texts.js';
import type { RecoverCommandOptions } from './recover.js';
import { configurationHelp } from './configuration-help.js';
import { addMappingCommand } from './mapping-program.js';
import type { ReplayCommandOptions } from './replay.js';
import type { ReconcileCommandOptions } from './reconcile.js';
import { describeError, exitCodeOf } from './report-error.js';

/**
 * Parses the arguments, runs the command and resolves to the exit code; never rejects. Commands are loaded when they
 * run, so that `--help` and a typo answer at once.
 */
export async function runProgram(argv: readonly string[], context: CommandContext): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.OK;
  const program = buildProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
    const error = toError(thrown);
    const stack = /^(debug|trace)$/i.test(context.env['LOG_LEVEL'] ?? '');
    context.err.write(describeError(error, { stack }));
    return exitCodeOf(error);
  }
}

function buildProgram(context: CommandContext, end: (exitCode: ExitCode) => void): Command {
  const program = new Command('paytronix-segment');
  program
    .description('Turns committed rows of a Paytronix loyalty database into Segment events.')
    .version(LIBRARY.version, '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.out.write(text),
      writeErr: (text) => context.err.write(text),
      // Help is a contract of its own: the same on every terminal.
      getOutHelpWidth: () => 110,
      getErrHelpWidth: () => 110,
    })
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      () => `\n${exitCodes()}\nConfiguration is by environment: see \`paytronix-segment run --help\`.`,
    );

  program
    .command('setup')
    .description('make the schema, publication, replica identities and slot the connector needs; repeatable')
    .option('--print', 'print the SQL for a DBA instead of running it')
    .option('--whole-tables', 'publish whole tables: no column list that blocks DROP COLUMN and ALTER TYPE')
    .option(
      '--accept-gap',
      'make the slot anew although what was committed meanwhile is not captured; the gap is recorded',
    )
    .option(
      '--reference-schema',
      'also make the loyalty schema itself, for trying the connector on an empty database',
    )
    .addHelpText('after', () => configurationHelp(['PostgreSQL']))
    .action(
      async (options: { print?: true; wholeTables?: true; acceptGap?: true; referenceSchema?: true }) => {
        const { setup } = await import('./setup.js');
        end(
          await setup(context, {
            print: options.print ?? false,
            wholeTables: options.wholeTables ?? false,
            acceptGap: options.acceptGap ?? false,
            referenceSchema: options.referenceSchema ?? false,
          }),
        );
      },
    );

  program
    .command('check')
    .description('look for everything that would keep the connector from working, and say how to mend it')
    .option('--json', 'print the findings as JSON')
    .option('--role <role>', `what will run: ${ROLES.join(', ')}`, wordOf(ROLES), 'all')
    .addHelpText('after', () => configurationHelp())
    .action(async (options: { json?: true; role: Role }) => {
      const { check } = await import('./check.js');
      end(await check(context, { json: options.json ?? false, role: options.role }));
    });

  program
    .command('run')
    .description('run the connector until SIGTERM or SIGINT: the first drains, the second ends it at once')
    .option(
      '--role <role>',
      'all; capture: everything up to the queue; deliver: everything after it',
      wordOf(ROLES),
      'all',
    )
    .addHelpText('after', () => configurationHelp())
    .action(async (options: { role: Role }) => {
      const { run } = await import('./run.js');
      end(await run(context, options));
    });

  program
    .command('status')
    .description('say where everything stands and who holds the floor, from PostgreSQL and Redis alone')
    .option('--json', 'print it as JSON', false)
    .addHelpText('after', SAME_CONFIGURATION)
    .action(async (options: { json: boolean }) => {
      const { statusCommand } = await import('./status.js');
      end(await statusCommand(context, options));
    });

  program
    .command('replay')
    .description('send again what the WAL still holds, beside the live stream; the message ids stay the same')
    .option('--from <position>', 'where to begin: a WAL position, a time with its zone, or how long ago (2h)')
    .option('--to <position>', 'where to end; default: where the live stream stands')
    .option(
      '--event <name...>',
      'only these events with their identify calls, by name or slug, custom ones too; `identify` alone: identify calls',
      callNamesOrOthers,
    )
    .option('--account <id...>', 'only these accounts (account_id)')
    .option('--source <name>', 'the source to send to; needed where there are several')
    .option(
      '--resend',
      'send under new message ids, so that Segment takes the events for new ones; needs --yes',
    )
    .option('--yes', 'confirm --resend')
    .option('--dry-run', 'only count what would be sent')
    .option('--resume', 'go on with the replay that was interrupted last')
    .option('--restart', 'begin anew even where the same replay was interrupted')
    .addHelpText('after', REPLAY_EXAMPLES)
    .action(async (options: Partial<ReplayCommandOptions>) => {
      const { replayCommand } = await import('./replay.js');
      const flags = { resend: false, yes: false, dryRun: false, resume: false, restart: false };
      end(await replayCommand(context, { ...flags, ...options }));
    });

  program
    .command('preview')
    .description('print what would be sent, a call a line as JSON; sends and confirms nothing')
    .option('--from <position>', 'as for replay; default: the oldest the WAL holds')
    .option(
      '--source <name>',
      'only what this source would be sent; default: every source, named beside each call',
    )
    .option('--limit <n>', 'calls at most, 1 to 1000000', numberFrom(1, 1_000_000), 20)
    .addHelpText('after', SAME_CONFIGURATION)
    .action(async (options: { from?: string; source?: string; limit: number }) => {
      const { previewCommand } = await import('./preview.js');
      end(await previewCommand(context, options));
    });

  program
    .command('backfill')
    .description(
      'send from the tables what the WAL no longer holds, beside the live stream; the ids stay the same',
    )
    .option(
      '--event <name...>',
      'events to send, by name or slug; `all`: those of EVENTS and the custom ones that tables can tell of',
      callNamesOrOthers,
    )
    .option(
      '--since <time>',
      'rows from then on, by their own time: a time with its zone, or how long ago (30d)',
    )
    .option('--until <time>', 'rows up to then; default: now')
    .option('--merchant <id>', "only this merchant's rows")
    .option('--source <name>', 'the source to send to; needed where there are several')
    .option('--identify', "also send every registered guest's profile as it stands, as an identify call")
    .option(
      '--updated-rows',
      'also send rows whose time is a commit time that an update has moved, each with the time of its update',
    )
    .option('--dry-run', 'only count what would be sent')
    .option('--rows-per-second <n>', 'rows read, at most: 1 to 1000000', numberFrom(1, 1_000_000), 5_000)
    .option('--restart', 'begin anew even where the same backfill was interrupted')
    .option('--yes', 'send again what was sent more than 24 hours ago')
    .addHelpText('after', () => configurationHelp())
    .action(async (options: Partial<BackfillCommandOptions> & { rowsPerSecond: number }) => {
      const { backfillCommand } = await import('./backfill.js');
      const flags = { identify: false, updatedRows: false, dryRun: false, restart: false, yes: false };
      end(await backfillCommand(context, { ...flags, ...options }));
    });

  program
    .command('recover')
    .description(
      'after a lost, dropped or advanced slot: make it anew and fill what was missed from the tables',
    )
    .addOption(
      new Option('--margin <duration>', 'how much more to read on both sides of a gap')
        .argParser(durationUs)
        .default(durationUs('15m'), '15m'),
    )
    .option('--rows-per-second <n>', 'rows read, at most: 1 to 1000000', numberFrom(1, 1_000_000), 5_000)
    .addHelpText('after', () => configurationHelp())
    .action(async (options: RecoverCommandOptions) => {
      const { recoverCommand } = await import('./recover.js');
      end(await recoverCommand(context, options));
    });

  program
    .command('reconcile')
    .description('compare what the tables say should have been sent with what was; 1 when something differs')
    .option(
      '--since <time>',
      'calls with a timestamp from then on: a time with its zone, or how long ago (2h)',
    )
    .option('--until <time>', 'calls up to then; default: now')
    .option('--event <name...>', 'only these events, by name or slug; `identify`: identify calls', callNames)
    .option(
      '--source <name>',
      'the source to compare; default: all, one after the other; --repair needs it where there are several',
    )
    .option('--json', 'print the comparison as JSON', false)
    .option('--repair', 'send what is missing, from the tables, then compare again', false)
    .option('--yes', 'repair even where calls of more than 24 hours ago may be doubled', false)
    .addHelpText('after', RECONCILE_EXAMPLES)
    .action(async (options: ReconcileCommandOptions) => {
      const { reconcileCommand } = await import('./reconcile.js');
      end(await reconcileCommand(context, options));
    });

  for (const [name, paused, what] of [
    ['pause', true, 'deliver nothing to a source until it is resumed; what is captured waits'],
    ['resume', false, 'let a paused source go on'],
  ] as const) {
    program
      .command(name)
      .description(what)
      .option('--source <name>', 'the source; needed where there are several')
      .addHelpText('after', SAME_CONFIGURATION)
      .action(async (options: { source?: string }) => {
        const { pauseCommand } = await import('./pause.js');
        end(await pauseCommand(context, { ...options, paused }));
      });
  }

  addMappingCommand(program, context, end);

  program
    .command('demo')
    .description(
      'run the whole pipeline against servers of its own and compare what arrives with what was committed',
    )
    .option('--seconds <n>', 'how long the brand does business, 1 to 3600', numberFrom(1, 3600), 30)
    .option('--guests <n>', 'members there are from before, 10 to 100000', numberFrom(10, 100_000), 200)
    .option('--rate <n>', 'database commits a second, 1 to 1000', numberFrom(1, 1000), 40)
    .option('--seed <n>', 'the same number gives the same business', numberFrom(0, 2_147_483_647), 1)
    .option('--to-segment', 'deliver to a real source: needs SEGMENT_WRITE_KEY')
    .action(
      async (options: { seconds: number; guests: number; rate: number; seed: number; toSegment?: true }) => {
        const { demo } = await import('./demo.js');
        end(await demo(context, { ...options, toSegment: options.toSegment ?? false }));
      },
    );

  return program;
}

function exitCodes(): string {
  const lines = Object.entries(EXIT_MEANING).map(([code, meaning]) => `  ${code.padStart(2)}  ${meaning}`);
  return ['Exit codes:', ...lines, ''].join('\n');
}
