import { quoteRegclass } from './query.js';

/** Condition on a `member`: no publication has such a column. */
export const VIRTUAL_COLUMN = `EXISTS
        (SELECT FROM pg_attribute a WHERE a.attrelid = member.oid AND a.attgenerated = 'v')`;

/**
 * Stops the printed script where a `member` that holds rows, of the `root` tables given or their partitions, meets a
 * condition. Pure.
 */
export function membersGuard(
  kind: string,
  tables: readonly string[],
  condition: string,
  problem: string,
): string {
  if (tables.length === 0) return `-- No table is published ${kind}.`;
  return `DO ${dollarQuoted(`
DECLARE
  broken text;
BEGIN
  SELECT string_agg(member.oid::regclass::text, ', ') INTO broken
  FROM pg_class root CROSS JOIN LATERAL (SELECT root.oid UNION SELECT relid FROM pg_partition_tree(root.oid)) part(oid)
  JOIN pg_class member ON member.oid = part.oid
  WHERE root.oid = ANY(${regclasses(tables)})
    AND member.relkind = 'r' AND ${condition};
  IF broken IS NOT NULL THEN
    RAISE EXCEPTION '% ${problem}', broken;
  END IF;
END
`)};`;
}

/** An array without elements has no type of its own. */
export function regclasses(tables: readonly string[]): string {
  return tables.length === 0 ? 'ARRAY[]::regclass[]' : `ARRAY[${tables.map(quoteRegclass).join(', ')}]`;
}

/** `$$…$$`, or with a tag where a name in the text has two dollar signs. */
function dollarQuoted(text: string): string {
  let tag = '$$';
  for (let n = 0; text.includes(tag); n += 1) tag = `$q${n}$`;
  return `${tag}${text}${tag}`;
}
