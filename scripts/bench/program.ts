import { spawn } from 'node:child_process';

/** What a baseline's program prints at its end, as one line of JSON. */
export interface ProgramTimes {
  /** When the work began and ended, milliseconds since 1970. */
  readonly startedMs: number;
  readonly endedMs: number;
}

/**
 * Runs one of the programs beside this file to its end: baselines have a process of their own, as what they are compared with has.
 * @throws Error when it fails
 */
export async function runProgram(
  name: string,
  args: Readonly<Record<string, string>>,
): Promise<ProgramTimes> {
  const { output } = await runCommand(process.execPath, commandLine(name, args));
  return JSON.parse(output) as ProgramTimes;
}

/** The same for a program that has no end of its own. */
export async function runProgramUntil(
  signal: AbortSignal,
  name: string,
  args: Readonly<Record<string, string>>,
): Promise<void> {
  await runCommand(process.execPath, commandLine(name, args), { signal });
}

function commandLine(name: string, args: Readonly<Record<string, string>>): readonly string[] {
  return ['--import', 'tsx', new URL(`./${name}.ts`, import.meta.url).pathname, JSON.stringify(args)];
}

/** What a program was given. */
export function programArguments<Name extends string>(): Readonly<Record<Name, string>> {
  return JSON.parse(process.argv[2] ?? '{}') as Readonly<Record<Name, string>>;
}

export function tellTimes(times: ProgramTimes): void {
  process.stdout.write(`${JSON.stringify(times)}\n`);
}

/** Milliseconds since 1970, with fractions. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

export interface CommandOptions {
  /** Called with each piece of what it writes to standard error. */
  readonly onComplaint?: (text: string) => void;
  /** Sends SIGTERM, after which any exit code is right. */
  readonly signal?: AbortSignal;
}

/** @throws Error with what it wrote to standard error, when it does not end with 0 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<{ readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    let output = '';
    let complaints = '';
    child.stdout.on('data', (chunk: Buffer) => void (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      complaints += chunk.toString();
      options.onComplaint?.(chunk.toString());
    });
    options.signal?.addEventListener('abort', () => child.kill('SIGTERM'));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0 || options.signal?.aborted === true) resolve({ output });
      else reject(new Error(`${command} ended with ${code ?? 'a signal'}: ${complaints}`));
    });
  });
}
