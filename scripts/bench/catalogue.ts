import { measureCapture } from './capture.js';
import { measureDistance } from './distance.js';
import { measureDrain } from './drain.js';
import { measureHugeCommit } from './huge-commit.js';
import { measureMemory } from './memory.js';
import { measureIdle } from './idle.js';
import { measureLatency } from './latency.js';
import { measureScale } from './scale.js';
import { measureSourceLoad } from './source-load.js';
import type { FigureResult } from './measure.js';
import { measureRateLimit } from './rate-limit.js';
import type { Setting } from './setting.js';

/** Every figure by its name on the command line, in the order in which they are measured. */
export const FIGURES: ReadonlyMap<string, (setting: Setting) => Promise<FigureResult>> = new Map([
  ['capture', measureCapture],
  ['huge-commit', measureHugeCommit],
  ['drain', measureDrain],
  ['distance', measureDistance],
  ['latency', measureLatency],
  ['rate-limit', measureRateLimit],
  ['memory', measureMemory],
  ['source-load', measureSourceLoad],
  ['idle', measureIdle],
  ['scale', measureScale],
]);
