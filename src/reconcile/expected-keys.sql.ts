import type { Relations } from '../mapping/mapping.js';
import type { TableName } from '../records/tables.js';

/**
 * How keys of whatever type stand in message ids, and in which order the calls of one commit are sent by them. A key is named
 * by its kind and the alias of the row that has it.
 */
export interface ExpectedKeys {
  /** Just as the row has it, null where the key is. */
  text(kind: KeyKind, alias: string): string;
  /** The id of a call about the row. `slug` as SQL; `prefix`, SQL too, stands before the key. */
  messageId(kind: KeyKind, alias: string, slug: string, prefix?: string): string;
  /** What sorts as calls are sent: integers first, as numbers, all other keys by code point. Of one type for all kinds. */
  order(kind: KeyKind, alias: string): string;
}

const COLUMNS = {
  store: ['loyalty.store', 'store_id'],
  account: ['loyalty.account', 'account_id'],
  transaction: ['txn.transaction', 'transaction_id'],
  checkin: ['loyalty.checkin', 'checkin_id'],
  recharge: ['txn.recharge', 'recharge_id'],
  referral: ['loyalty.referral', 'referral_id'],
  response: ['survey.response', 'response_id'],
} as const satisfies Readonly<Record<string, readonly [TableName, string]>>;

type KeyKind = keyof typeof COLUMNS;
const KINDS = Object.keys(COLUMNS) as readonly KeyKind[];

const INTEGERS: ReadonlySet<string> = new Set([
  'smallint',
  'int',
  'integer',
  'bigint',
  'int2',
  'int4',
  'int8',
]);

export function expectedKeys(relations: Relations): ExpectedKeys {
  const typeOf = (kind: KeyKind): string => {
    const [table, column] = COLUMNS[kind];
    return relations.type(table, column);
  };
  const isInteger = (kind: KeyKind): boolean => INTEGERS.has(typeOf(kind));
  const onlyIntegers = KINDS.every(isInteger);
  const keyOf = (kind: KeyKind, alias: string): string => `${alias}.${COLUMNS[kind][1]}`;
  return {
    text: (kind, alias) => {
      const key = keyOf(kind, alias);
      // A cast to text would take the blanks from the end of a char(n).
      return isInteger(kind) ? `${key}::text` : `CASE WHEN ${key} IS NOT NULL THEN concat(${key}) END`;
    },
    messageId: (kind, alias, slug, prefix) => {
      const merchant = `${alias}.merchant_id`;
      const key = `concat(${prefix === undefined ? '' : `${prefix}, `}${keyOf(kind, alias)})`;
      return isInteger(kind) || typeOf(kind) === 'uuid'
        ? plainId(merchant, slug, key)
        : messageIdSql(merchant, slug, key);
    },
    order: (kind, alias) => {
      const key = keyOf(kind, alias);
      return onlyIntegers ? key : sortable(`(concat(${key}) COLLATE "C")`);
    },
  };
}

function plainId(merchant: string, slug: string, key: string): string {
  return `format('px-%s-%s-%s', ${merchant}, ${slug}, ${key})`;
}

/**
 * A till may send any check number: a key that is too long or not plain is hashed, so that ids stay within limits. The columns
 * behind it may have collations that contradict each other, or know no regular expressions.
 */
export function messageIdSql(merchant: string, slug: string, key: string): string {
  const plain = `${plainId(merchant, slug, key)} COLLATE "C"`;
  const hashed = `format('px-%s-%s-h%s', ${merchant}, ${slug}, left(encode(sha256(convert_to(${key}, 'UTF8')), 'hex'), 40))`;
  return `CASE WHEN length(${plain}) < 100 AND ${plain} ~ '^[ -~]+$' THEN ${plain} ELSE ${hashed} COLLATE "C" END`;
}

const MOST_DIGITS = 999_999_999;

/** By its bytes: numbers by how many digits they have, then by these; below zero the other way round. */
function sortable(key: string): string {
  const digits = (count: string): string => `lpad((${count})::text, 9, '0')`;
  return `(CASE WHEN ${key} ~ '^(0|[1-9][0-9]*)$' THEN concat('1', ${digits(`length(${key})`)}, ${key})
    WHEN ${key} ~ '^-[1-9][0-9]*$' THEN concat('0', ${digits(`${MOST_DIGITS} - length(${key})`)}, translate(${key}, '0123456789', '9876543210'))
    ELSE concat('2', ${key}) END) COLLATE "C"`;
}
