import type { CustomOccurrence } from '../records/custom-occurrence.js';
import { EVENT_NAMES, type Rank } from './event.js';

/** Custom events come after the nine, in the order in which they are declared. */
export function customRank({ order, primaryKey }: CustomOccurrence): Rank {
  return { kind: EVENT_NAMES.length + order, key: primaryKey, part: 1 };
}
