#!/usr/bin/env node
/**
 * The process edge: the one file that reads the environment, listens to signals and ends the process.
 */
import { runProgram } from './cli/program.js';
import { describeError } from './cli/report-error.js';
import { toError } from './errors/connector-error.js';
import { didYouMean } from './errors/nearest.js';
import { EXIT } from './errors/exit-codes.js';
import { armFailpoint, FAILPOINTS, parseFailpoint } from './lifecycle/failpoint.js';

/** After the second signal a command has this long to return before the process ends regardless. */
const FORCED_END_MS = 1000;

const drain = new AbortController();
const force = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => {
    if (!drain.signal.aborted) {
      drain.abort();
      return;
    }
    force.abort();
    setTimeout(() => process.exit(EXIT.CUT_SHORT), FORCED_END_MS).unref();
  });
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (thrown: unknown) => {
    // A defect: the state is unknown, so nothing more is confirmed. What was not confirmed comes again.
    process.stderr.write(describeError(toError(thrown), { stack: true }));
    process.exit(EXIT.STOPPED);
  });
}

const failpointWanted = process.env['PAYTRONIX_SEGMENT_FAILPOINT'] ?? '';
if (failpointWanted !== '') {
  const wanted = parseFailpoint(failpointWanted);
  if (wanted === null) {
    const known = Object.keys(FAILPOINTS);
    const near = didYouMean(failpointWanted.split(':')[0] ?? '', known);
    process.stderr.write(
      `PAYTRONIX_SEGMENT_FAILPOINT: no failpoint ${failpointWanted}.${near} There are ${known.join(', ')}.\n`,
    );
    process.exit(EXIT.CONFIG);
  }
  process.stderr.write(`PAYTRONIX_SEGMENT_FAILPOINT: this process kills itself at ${failpointWanted}\n`);
  armFailpoint(wanted.name, wanted.passing, () => process.kill(process.pid, 'SIGKILL'));
}

// The reader of a pipe has gone (`check | head`): nobody is left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.OK : EXIT.FAILED),
);

process.exit(
  await runProgram(process.argv.slice(2), {
    env: process.env,
    out: process.stdout,
    err: process.stderr,
    signal: drain.signal,
    force: force.signal,
    onHangup: (listener) => void process.on('SIGHUP', listener),
  }),
);
