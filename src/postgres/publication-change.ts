import type { PublicationFingerprint, PublishedTable } from './publication.js';

/**
 * Whether a publication sends whatever it did, from the very entries: then nothing can have been lost between two
 * readings, whoever changed it.
 */
export function onlyAdds(before: PublicationFingerprint, after: PublicationFingerprint | null): boolean {
  return (
    after !== null &&
    covers(before, after, (old, now) => old.entryOid === now.entryOid && sameColumns(old, now))
  );
}

/**
 * Whether a publication sends whatever it did, if perhaps from entries that were replaced. Proves nothing unless they
 * were replaced within one transaction, as set-up does it.
 */
export function sendsAll(before: PublicationFingerprint, after: PublicationFingerprint): boolean {
  return covers(before, after, (old, now) => {
    const columns = now.columns;
    return columns === null || (old.columns?.every((column) => columns.includes(column)) ?? false);
  });
}

function covers(
  before: PublicationFingerprint,
  after: PublicationFingerprint,
  entryCovers: (old: PublishedTable, now: PublishedTable) => boolean,
): boolean {
  const entries = new Map(after.tables.map((entry) => [entry.table, entry]));
  return (
    before.oid === after.oid &&
    before.publishViaRoot === after.publishViaRoot &&
    before.publish.every((kind) => after.publish.includes(kind)) &&
    (before.publishGenerated !== true || after.publishGenerated === true) &&
    before.tables.every((old) => {
      const now = entries.get(old.table);
      return now !== undefined && now.rowFilter === old.rowFilter && entryCovers(old, now);
    })
  );
}

function sameColumns(old: PublishedTable, now: PublishedTable): boolean {
  if (old.columns === null || now.columns === null) return old.columns === now.columns;
  return old.columns.toSorted().join('\u0000') === now.columns.toSorted().join('\u0000');
}
