import { expect } from 'vitest';
import type { FailpointName } from '../../src/lifecycle/failpoint.js';
import { eventually } from '../support/eventually.js';
import type { RunningProcess, System } from '../support/system.js';

/** Where a process is killed, and at which passing: not the first, where that is in the midst of things. */
export interface Place {
  readonly at: FailpointName;
  readonly passing?: number;
}

export const CAPTURE_PLACES: readonly Place[] = [
  { at: 'row-decoded', passing: 150 },
  { at: 'transaction-assembled', passing: 10 },
  { at: 'transaction-taken', passing: 2 },
  { at: 'rows-looked-up', passing: 2 },
  { at: 'events-derived', passing: 10 },
  { at: 'intent-written', passing: 2 },
  { at: 'job-added', passing: 2 },
  { at: 'transaction-settled', passing: 10 },
  { at: 'checkpoint-stored', passing: 2 },
  { at: 'status-sent', passing: 2 },
  { at: 'keepalive-accepted' },
  { at: 'delivered-stored' },
  { at: 'suppression-kept' },
  { at: 'suppression-queued' },
  { at: 'transaction-spilled' },
  { at: 'list-published' },
  { at: 'listed-counted', passing: 2 },
];

export const DELIVERY_PLACES: readonly Place[] = [
  { at: 'job-taken', passing: 2 },
  { at: 'tokens-acquired', passing: 2 },
  { at: 'request-sent', passing: 2 },
  { at: 'response-received', passing: 2 },
  { at: 'progress-saved' },
  { at: 'job-finished', passing: 2 },
  { at: 'job-completed', passing: 2 },
  { at: 'tallies-frozen' },
  { at: 'tallies-moved' },
  { at: 'letter-stored' },
  { at: 'job-given-back' },
];

export const SLOT_PLACES: readonly Place[] = [
  { at: 'lanes-renewed' },
  { at: 'healing-queued' },
  { at: 'replay-slot-copied' },
  { at: 'replay-slot-advanced' },
  { at: 'replay-slot-dropped' },
];

export const SOURCE_PLACES: readonly Place[] = [
  { at: 'source-moved', passing: 2 },
  { at: 'source-parked' },
  { at: 'source-unparked' },
];

/** Each of them in its own way. */
export const SINGLE_PLACES: readonly Place[] = [
  { at: 'parked-gap-recorded' },
  { at: 'sources-registered' },
  { at: 'pause-recorded' },
];

export const COMMAND_PLACES: readonly Place[] = [
  { at: 'setup-published' },
  { at: 'setup-slot-made' },
  { at: 'replay-recorded' },
  { at: 'replay-queued' },
  { at: 'page-queued' },
  { at: 'page-recorded' },
  { at: 'gap-recorded' },
];

export function failpointEnv({ at, passing = 1 }: Place): Readonly<Record<string, string>> {
  return { PAYTRONIX_SEGMENT_FAILPOINT: `${at}:${passing}` };
}

/** Resolves when the process has killed itself at its failpoint. @throws when it ends otherwise, or not */
export async function killed({ child, log }: RunningProcess, withinMs = 60_000): Promise<void> {
  try {
    await eventually(
      () => child.signalCode !== null || child.exitCode !== null,
      () => `the failpoint:\n${log()}`,
      withinMs,
    );
    expect(child.signalCode, log()).toBe('SIGKILL');
  } finally {
    // It must not stand in the way of the next.
    child.kill('SIGKILL');
  }
}

/** The brand does business until the process has killed itself. */
export async function killedInBusiness(brand: System, victim: RunningProcess): Promise<void> {
  let over = false;
  const death = killed(victim).finally(() => (over = true));
  death.catch(() => undefined);
  do await brand.business(1);
  while (!over);
  await death;
}

/** A process that takes over finds everything as it should be: set, ids, balances and order of all that came so far. */
export async function inherits(
  brand: System,
  setAside: ReadonlySet<string> = new Set(),
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const heir = brand.run('all', env);
  await heir.logged('capture is streaming');
  const verdict = await brand.verdict({ setAside });
  expect(verdict.findings, heir.log()).toEqual([]);
  expect(await heir.end('SIGTERM'), heir.log()).toBe(0);
}
