import { measureCapture } from './capture.js';
import type { FigureResult } from './measure.js';
import type { Setting } from './setting.js';

/** Every figure by its name on the command line, in the order in which they are measured. */
export const FIGURES: ReadonlyMap<string, (setting: Setting) => Promise<FigureResult>> = new Map([
  ['capture', measureCapture],
]);
