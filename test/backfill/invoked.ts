import { runProgram } from '../../src/cli/program.js';

export interface Invoked {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A command in this process, with what it printed. The signal is its first SIGTERM. */
export async function invoked(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal = new AbortController().signal,
): Promise<Invoked> {
  let [out, err] = ['', ''];
  const code = await runProgram(argv, {
    env,
    out: { write: (text: string) => void (out += text) },
    err: { write: (text: string) => void (err += text) },
    signal,
    force: new AbortController().signal,
  });
  return { code, out, err };
}
