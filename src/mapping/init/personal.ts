import { keyOf, kindOf, type CatalogueColumn, type CatalogueTable } from './catalogue.js';
import type { References } from './references.js';
import { wordsOf } from './words.js';

/** Whatever stands in such a column is about one person, or a secret: it is neither read nor written anywhere. */
const PERSONAL = new Set(
  (
    'name first last surname forename fname lname given family email mail phone mobile cell tel telephone fax address street line city zip ' +
    'postal postcode birth birthday dob age gender sex ssn passport licence license tax vat iban bic account card pan cvv password passwd ' +
    'hash salt secret token ip contact comment note remark message description text title nationality religion ethnicity race health ' +
    'marital allergy diet username login nick url photo picture latitude longitude emergency'
  ).split(' '),
);
/** Written together with others, in whatever language: `birthdate`, `kundenname`, `correoe`. */
const SPOKEN =
  /name|nombre|apellido|prenom|mail|correo|courriel|phone|telef|birth|geburt|addr|adress|direccion|street|strasse|passw/i;
/** What is asked of a card or an account, and not which one it is. */
const OF_A_KIND = new Set(['type', 'kind', 'status', 'tier', 'level', 'brand']);

export function looksPersonal({ name }: Pick<CatalogueColumn, 'name'>): boolean {
  const words = wordsOf(name);
  const last = words.at(-1) ?? '';
  // `email_opt_in` and `card_status` say how a person's data are used, not what they are.
  if (OF_A_KIND.has(last) || (words.includes('opt') && (last === 'in' || last === 'out'))) return false;
  return SPOKEN.test(name) || words.some((word) => PERSONAL.has(word));
}

const CODE_WORDS = new Set(
  (
    'status state kind type channel source origin method tender mode role tier level currency flag active enabled void voided refund ' +
    'training test offline in out newsletter subscribed consent marketing mailing sms code class category platform reason direction'
  ).split(' '),
);

/** Columns of a table whose few values are codes that a mapping has to translate. */
export function codeColumns(table: CatalogueTable, references: References): readonly CatalogueColumn[] {
  const key = keyOf(table) ?? [];
  return table.columns.filter((column) => {
    const kind = kindOf(column);
    if ((kind !== 'text' && kind !== 'int') || column.values !== null || key.includes(column.name))
      return false;
    if (looksPersonal(column) || references.isReference(table, column.name)) return false;
    const last = wordsOf(column.name).at(-1) ?? '';
    if (last === 'state' && hasAddress(table)) return false;
    return CODE_WORDS.has(last);
  });
}

function hasAddress(table: CatalogueTable): boolean {
  return table.columns.some(({ name }) =>
    wordsOf(name).some((word) => word === 'city' || word === 'address'),
  );
}

export const MAX_CODES = 20;
const MAX_CODE_CHARS = 40;

/** The values, where they can be nothing but codes; null otherwise. Never part of what may be a person's. */
export function asCodes(values: readonly string[]): readonly string[] | null {
  const plain = values.length <= MAX_CODES && values.every((value) => isCode(value));
  return plain ? values.toSorted() : null;
}

function isCode(value: string): boolean {
  return value.length <= MAX_CODE_CHARS && /^[\p{L}\p{N} _./+-]*$/u.test(value) && !/\d{6}/.test(value);
}
