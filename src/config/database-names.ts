/** PostgreSQL cuts longer ones, in bytes. */
const MAX_NAME_BYTES = 63;

type Parsed = { readonly name: string } | { readonly says: string };

/** A column as the catalog spells it. `says` completes `<what it is called> `. */
export function columnName(text: string, shown: string): Parsed {
  const wrong = wrongName(text);
  return wrong === null ? { name: text } : { says: `is ${shown}; ${wrong}` };
}

/** `schema.table`, or a table of `public`, as the catalog spells them. */
export function tableName(text: string, shown: string): Parsed {
  const parts = text.split('.');
  if (parts.length > 2) return { says: `is ${shown}; it must be a table's name, or schema.table.` };
  const wrong = parts.map(wrongName).find((each) => each !== null);
  if (wrong != null) return { says: `is ${shown}; ${wrong}` };
  const [schema = '', table = ''] = parts.length === 2 ? parts : ['public', text];
  if (/^pg_|^information_schema$/.test(schema)) {
    return { says: `is ${shown}, a table of PostgreSQL itself, which cannot be published.` };
  }
  return { name: `${schema}.${table}` };
}

function wrongName(part: string): string | null {
  if (part === '') return 'a name is empty.';
  if (Buffer.byteLength(part) > MAX_NAME_BYTES) return `a name has ${MAX_NAME_BYTES} bytes at most.`;
  return null;
}
