/** Where a message id belongs. */
export interface Place {
  /** Among whose ids order is kept: an account. */
  readonly key: number;
  /** Ascending within the key. */
  readonly place: number;
}

/** What should be there, without a list of it: a million ids are told by their form. */
export interface Expected {
  readonly count: number;
  /** Null for an id that nothing should have made. */
  placeOf(messageId: string): Place | null;
}

const EXAMPLES = 3;

/** Are all ids there, each once, and those of each key in order? @returns what is wrong, a sentence each; empty: nothing. */
export function judge(messageIds: Iterable<string>, expected: Expected): readonly string[] {
  const seen = new Set<string>();
  const last = new Map<number, number>();
  const strange: string[] = [];
  const repeated: string[] = [];
  const disordered: string[] = [];
  for (const id of messageIds) {
    const place = expected.placeOf(id);
    if (place === null) {
      strange.push(id);
      continue;
    }
    if (seen.has(id)) {
      repeated.push(id);
      continue;
    }
    seen.add(id);
    if (place.place <= (last.get(place.key) ?? -1)) disordered.push(id);
    else last.set(place.key, place.place);
  }
  const missing = expected.count - seen.size;
  return [
    ...(missing > 0 ? [`${missing} of ${expected.count} are missing`] : []),
    ...finding(strange, 'should not be there'),
    ...finding(repeated, 'came more than once'),
    ...finding(disordered, 'came out of order'),
  ];
}

function finding(ids: readonly string[], what: string): string[] {
  return ids.length === 0 ? [] : [`${ids.length} ${what}, for instance ${ids.slice(0, EXAMPLES).join(', ')}`];
}
