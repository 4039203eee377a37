import type { Bound } from '../../mapping/bind.js';
import { eventsOff } from '../../mapping/events-off.js';
import { failure, ok, type Finding } from '../../preflight/finding.js';

/** What is wrong with the mapping, each line of the file for itself; else which events cannot be made by it. */
export function judgeMapping(bound: Bound): readonly Finding[] {
  if (bound.tag === 'wrong') {
    return bound.problems.map(({ at, says }) =>
      failure(
        'mapping',
        `${at} ${says}`,
        'No event can be derived while the mapping does not fit.',
        'Correct the line; docs/mapping.md has every record, column and form.',
      ),
    );
  }
  const { mapping } = bound;
  if (mapping.feeds === null && mapping.customEvents.size === 0) return [];
  return [
    ok('mapping', `maps ${mapping.tables.size} tables`),
    ...eventsOff(mapping).map((off) => ok('events', off)),
  ];
}
