import type { RunningProcess } from './running-process.js';

export interface Readiness {
  readonly status: number;
  readonly reasons: readonly string[];
}

/** What `/readyz` of a process says, which must have logged by now where it serves it. */
export async function readiness(connector: RunningProcess): Promise<Readiness> {
  const port = Number(/"port":(\d+),"msg":"serving/.exec(connector.log())?.[1]);
  const response = await fetch(`http://127.0.0.1:${port}/readyz`);
  const { reasons } = (await response.json()) as { reasons: string[] };
  return { status: response.status, reasons };
}
