import { InvalidArgumentError } from 'commander';
import { didYouMean } from '../errors/nearest.js';
import { EVENT_NAMES } from '../events/event.js';
import { parsePosition } from '../replay/position.js';

/** Parser of an option that takes one of a few words; a refusal names the nearest. */
export function wordOf<const T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`It must be one of ${words.join(', ')}.${didYouMean(text, words)}`);
  };
}

/** Parser of a whole number; a refusal names the nearest one allowed where the text is a number at all. */
export function numberFrom(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    const nearest = Number.isNaN(value)
      ? ''
      : ` The nearest is ${Math.min(max, Math.max(min, Math.round(value)))}.`;
    throw new InvalidArgumentError(`It must be a whole number, ${min} to ${max}.${nearest}`);
  };
}

export const CALL_NAMES = [...EVENT_NAMES, 'identify'] as const;

function callNameOf(text: string): (typeof CALL_NAMES)[number] | undefined {
  const slug = (name: string): string =>
    name
      .trim()
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_');
  return CALL_NAMES.find((each) => slug(each) === slug(text));
}

/** Collects names of calls, given by name (`POS Activity`) or slug (`pos_activity`), one or a comma list at a time. */
export function callNames(text: string, before: readonly string[] = []): readonly string[] {
  const found = text.split(',').map((item) => {
    const name = callNameOf(item);
    if (name !== undefined) return name;
    throw new InvalidArgumentError(
      `${JSON.stringify(item.trim())} is no event.${didYouMean(item, CALL_NAMES)}`,
    );
  });
  return [...before, ...found];
}

/** As `callNames`, and `all`; what is neither is left as it is, for only the configuration knows the custom events. */
export function callNamesOrOthers(text: string, before: readonly string[] = []): readonly string[] {
  const found = text.split(',').map((item) => {
    const given = item.trim();
    return given.toLowerCase() === 'all' ? 'all' : (callNameOf(given) ?? given);
  });
  return [...before, ...found];
}

/** Parser of a duration, to microseconds. */
export function durationUs(text: string): number {
  const position = parsePosition(text);
  if (position?.tag === 'ago') return position.agoUs;
  throw new InvalidArgumentError('It must be a duration with its unit: 90s, 20m, 2h, 3d.');
}
