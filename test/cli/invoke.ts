import { runProgram } from '../../src/cli/program.js';

export interface InvokeOptions {
  /** Hears what is written to stdout as it is written. */
  readonly write?: (text: string) => void;
  /** The first signal. Default: none comes. */
  readonly signal?: AbortSignal;
}

/** Runs a command line as the process would; what it wrote, and its exit code. */
export async function invoke(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
  options: InvokeOptions = {},
): Promise<{ exitCode: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const idle = new AbortController().signal;
  const exitCode = await runProgram(argv, {
    env,
    out: {
      write: (text) => {
        out += text;
        options.write?.(text);
      },
    },
    err: { write: (text) => void (err += text) },
    signal: options.signal ?? idle,
    force: idle,
  });
  return { exitCode, out, err };
}
