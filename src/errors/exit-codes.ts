/** How the process ends. 64 and above are those of sysexits.h, which service managers know. */
export const EXIT = {
  OK: 0,
  FAILED: 1,
  USAGE: 64,
  STOPPED: 70,
  CUT_SHORT: 75,
  CONFIG: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Shown by `--help` and in the README. */
export const EXIT_MEANING: Readonly<Record<ExitCode, string>> = {
  [EXIT.OK]: 'done, or stopped as asked',
  [EXIT.FAILED]:
    '`check` found an error, `status` a server that does not answer, `demo` or `reconcile` a difference, or draining failed',
  [EXIT.USAGE]: 'unknown command, option or value',
  [EXIT.STOPPED]: 'stopped by a condition that needs a person; it is named with what to do',
  [EXIT.CUT_SHORT]:
    'ended before everything was done (second signal, a server that did not answer within SHUTDOWN_GRACE, or an interrupted replay); the next start resumes',
  [EXIT.CONFIG]: 'the configuration has problems; all are listed',
};
