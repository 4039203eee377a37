import { median, ratio } from './statistics.js';

export interface Goal {
  /** What is bounded: the figure itself, or its ratio to the baseline. */
  readonly of: 'value' | 'ratio';
  readonly bound: 'least' | 'most';
  readonly limit: number;
}

/** One line of the table. */
export interface Measure {
  readonly what: string;
  /** Of the values and of the baseline alike. */
  readonly unit: string;
  /** One a round. */
  readonly values: readonly number[];
  readonly baseline: { readonly name: string; readonly values: readonly number[] } | null;
  /** Null: told for what it is worth. */
  readonly goal: Goal | null;
}

export interface FigureResult {
  readonly measures: readonly Measure[];
  /** What did not arrive, or not once, or out of order. Empty: all is right. */
  readonly findings: readonly string[];
  /** What could not be measured, and why; conditions a reader must know. */
  readonly notes: readonly string[];
}

/** @returns null without a baseline */
export function ratioOf({ values, baseline }: Measure): number | null {
  return baseline === null ? null : ratio(values, baseline.values);
}

/** @returns null without a goal */
export function isReached(measure: Measure): boolean | null {
  const { goal } = measure;
  if (goal === null) return null;
  const value = goal.of === 'ratio' ? ratioOf(measure) : median(measure.values);
  if (value === null) return false;
  return goal.bound === 'least' ? value >= goal.limit : value <= goal.limit;
}
