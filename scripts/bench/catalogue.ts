import { measureCapture } from './capture.js';
import { measureDistance } from './distance.js';
import { measureDrain } from './drain.js';
import { measureHugeCommit } from './huge-commit.js';
import { measureMemory } from './memory.js';
import type { FigureResult } from './measure.js';
import { measureRateLimit } from './rate-limit.js';
import type { Setting } from './setting.js';

/** Every figure by its name on the command line, in the order in which they are measured. */
export const FIGURES: ReadonlyMap<string, (setting: Setting) => Promise<FigureResult>> = new Map([
  ['capture', measureCapture],
  ['huge-commit', measureHugeCommit],
  ['drain', measureDrain],
  ['distance', measureDistance],
  ['rate-limit', measureRateLimit],
  ['memory', measureMemory],
]);
