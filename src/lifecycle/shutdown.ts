import { EXIT, type ExitCode } from '../errors/exit-codes.js';

/**
 * The stages of a service's life, as decisions alone.
 *
 * running ──signal──▶ draining ──drained──▶ ended: 0
 *    │                   ├──drain failed──▶ ended: 1
 *    │                   ├──cut short─────▶ ended: 75
 *    │                   ├──second signal─▶ ended: 75
 *    │                   └──grace over────▶ ended: 75
 *    └──failed──▶ draining, and whichever end comes: 70
 *
 * Draining finishes what is in hand and hands the rest back. Ending before it is over loses nothing: what was not
 * confirmed is sent again by the server, what was not delivered is still in Redis. It may double one job a lane, which
 * Segment drops by messageId.
 */
export type Stage =
  | { readonly tag: 'running' }
  | { readonly tag: 'draining'; readonly failed: boolean }
  | { readonly tag: 'ended'; readonly exitCode: ExitCode };

/**
 * How draining came to its end. `drained`: the next start sends nothing twice. `cut-short`: a server did not answer in
 * time, so something in hand was let go of; the next start brings it again, with the same ids.
 */
export type DrainEnd = 'drained' | 'cut-short';

export type ShutdownInput = 'signal' | 'failed' | DrainEnd | 'drain-failed' | 'grace-over';

export const RUNNING: Stage = { tag: 'running' };

/** The stage after an input; an input that means nothing in a stage leaves it as it is. */
export function nextStage(stage: Stage, input: ShutdownInput): Stage {
  switch (stage.tag) {
    case 'running':
      if (input === 'signal') return { tag: 'draining', failed: false };
      return input === 'failed' ? { tag: 'draining', failed: true } : stage;
    case 'draining':
      if (input === 'failed') return stage;
      return { tag: 'ended', exitCode: stage.failed ? EXIT.STOPPED : exitCodeOf(input) };
    case 'ended':
      return stage;
    default:
      return never(stage);
  }
}

function exitCodeOf(input: Exclude<ShutdownInput, 'failed'>): ExitCode {
  switch (input) {
    case 'drained':
      return EXIT.OK;
    case 'drain-failed':
      return EXIT.FAILED;
    case 'cut-short':
    case 'signal':
    case 'grace-over':
      return EXIT.CUT_SHORT;
    default:
      return never(input);
  }
}

function never(value: never): never {
  throw new Error(`not a stage or input of a shutdown: ${JSON.stringify(value)}`);
}
