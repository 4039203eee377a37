import { describe, expect, it } from 'vitest';
import { nextStage, RUNNING, type ShutdownInput, type Stage } from '../../src/lifecycle/shutdown.js';

const draining: Stage = { tag: 'draining', failed: false };
const failing: Stage = { tag: 'draining', failed: true };

describe('nextStage', () => {
  it.each<[Stage, ShutdownInput, Stage]>([
    [RUNNING, 'signal', draining],
    [RUNNING, 'failed', failing],
    [RUNNING, 'grace-over', RUNNING],
    [draining, 'drained', { tag: 'ended', exitCode: 0 }],
    [draining, 'drain-failed', { tag: 'ended', exitCode: 1 }],
    [draining, 'cut-short', { tag: 'ended', exitCode: 75 }],
    [draining, 'signal', { tag: 'ended', exitCode: 75 }],
    [draining, 'grace-over', { tag: 'ended', exitCode: 75 }],
    [draining, 'failed', draining],
    [failing, 'drained', { tag: 'ended', exitCode: 70 }],
    [failing, 'grace-over', { tag: 'ended', exitCode: 70 }],
    [{ tag: 'ended', exitCode: 0 }, 'signal', { tag: 'ended', exitCode: 0 }],
  ])('%j, %s → %j', (stage, input, expected) => {
    expect(nextStage(stage, input)).toEqual(expected);
  });
});
