import type { Command } from 'commander';
import type { ExitCode } from '../errors/exit-codes.js';
import { configurationHelp } from './configuration-help.js';
import type { CommandContext } from './context.js';

interface InitFlags {
  readonly schema?: readonly string[];
  readonly output?: string;
  readonly force?: true;
  /** commander's reading of `--no-samples`. */
  readonly samples: boolean;
}

/** `mapping` and what can be done with one. */
export function addMappingCommand(
  program: Command,
  context: CommandContext,
  end: (exitCode: ExitCode) => void,
): void {
  const mapping = program
    .command('mapping')
    .description('say in connector.yaml how your tables are to be read')
    .helpCommand(false);
  mapping
    .command('init')
    .description(
      'look at the database and propose the mapping: commented, with reasons and what has no place',
    )
    .option('--schema <name...>', 'only tables of these schemas; default: of all')
    .option('--output <file>', 'write it there; default: print it')
    .option('--force', 'overwrite the file if there is one')
    .option('--no-samples', 'read no rows: values of status and type columns are not looked at')
    .addHelpText('after', () => configurationHelp(['PostgreSQL']))
    .action(async ({ schema, output, force, samples }: InitFlags) => {
      const { mappingInit } = await import('./mapping.js');
      end(
        await mappingInit(context, {
          schemas: schema ?? [],
          output: output ?? null,
          force: force ?? false,
          samples,
        }),
      );
    });
}
