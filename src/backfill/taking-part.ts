import type { Knex } from 'knex';
import type { EventSettings } from '../config/source.js';
import { readGaps } from '../postgres/gap-store.js';
import { readSources } from '../postgres/source-store.js';

/**
 * The sources with when each began: one that was added since the slot was made is sent nothing older, and one that was configured
 * but has not run yet nothing at all. What is older counts where a gap says that the source missed it: it took part then, and
 * was taken out and put back since.
 * @throws ConnectorError DATABASE_…
 */
export async function takingPart<S extends { readonly settings: EventSettings }>({
  knex,
  slotName,
  sources,
}: {
  readonly knex: Knex;
  readonly slotName: string;
  readonly sources: readonly S[];
}): Promise<readonly S[]> {
  const states = await readSources(knex, slotName);
  // Nothing was written down yet: they all are there from the beginning.
  if (states.size === 0) return sources;
  const open = (await readGaps(knex, slotName)).filter(({ closedAtUs }) => closedAtUs === null);
  return sources.flatMap((source) => {
    const { settings } = source;
    const added = states.get(settings.name)?.added?.atUs ?? Infinity;
    const own = open.filter((gap) => gap.source === settings.name).map(({ fromTimeUs }) => fromTimeUs ?? 0);
    const beganUs = Math.min(added, ...own);
    if (beganUs === Infinity) return [];
    return { ...source, settings: { ...settings, enabledFromUs: Math.max(settings.enabledFromUs, beganUs) } };
  });
}
