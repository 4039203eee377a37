import { columnTypeOf, type KeyKind } from '../../src/mapping/canonical.js';
import type { Mapping, Relations } from '../../src/mapping/mapping.js';
import { recordNameOf } from '../../src/mapping/record-names.js';
import { REFERENCE_MAPPING } from '../../src/mapping/reference.js';
import { quoteName, quoteTable, quoteText } from '../../src/postgres/query.js';
import { columnsOf, TABLE_NAMES, TABLES, type TableName } from '../../src/records/tables.js';
import type { TestDatabase } from '../support/postgres.js';

/** How keys of a kind look there. */
interface OtherKey {
  readonly type: string;
  /** For CREATE TABLE, where it is more than the type. */
  readonly declared?: string;
  /** The key as SQL of a bigint column. */
  readonly sql: (id: string) => string;
  /** Finds such keys in any text; what its groups hold together is the bigint, `above` added. */
  readonly pattern: RegExp;
  readonly above?: bigint;
}

/** Ids may be negative, and have as many digits as any then. */
const ABOVE = 5n * 10n ** 19n;

export type OtherKeys = Partial<Readonly<Record<KeyKind, OtherKey>>>;

function uuid(): OtherKey {
  return {
    type: 'uuid',
    // Twelve digits of no order, then the id.
    sql: (id) => `(substr(md5(${id}::text), 1, 12) || (${id} + ${ABOVE})::text)::uuid`,
    pattern: /\b[0-9a-f]{8}-[0-9a-f]{4}-(\d{4})-(\d{4})-(\d{12})\b/g,
    above: ABOVE,
  };
}

/** One kind of type each; question marks, colons and blanks in some. */
export const OTHER_KEYS: OtherKeys = {
  account: uuid(),
  checkin: uuid(),
  guest: { type: 'text', sql: (id) => `'g?' || ${id}`, pattern: /g\?(-?\d+)/g },
  store: {
    type: 'bpchar',
    declared: 'char(20)',
    sql: (id) => `'#' || ${id}`,
    pattern: /#(-?\d+) +/g,
  },
  card: { type: 'varchar', declared: 'varchar(40)', sql: (id) => `'c/' || ${id}`, pattern: /c\/(-?\d+)/g },
  // In the order of the ids: of two headers of one commit the later has the greater one.
  transaction: {
    type: 'text',
    sql: (id) => `'t:' || (${id} + ${ABOVE})`,
    pattern: /t:(\d{20})/g,
    above: ABOVE,
  },
  check: { type: 'numeric', sql: (id) => `${id}::numeric`, pattern: /(-?\d+)/g },
  referral: { type: 'varchar', sql: (id) => `'rf!' || ${id}`, pattern: /rf!(-?\d+)/g },
  recharge: { type: 'text', sql: (id) => `'rc!' || ${id}`, pattern: /rc!(-?\d+)/g },
  question: { type: 'varchar', sql: (id) => `'q' || ${id}`, pattern: /q(-?\d+)/g },
  wallet: { type: 'text', sql: (id) => `'W-' || ${id}`, pattern: /W-(-?\d+)/g },
  template: { type: 'text', sql: (id) => `'TPL ' || ${id}`, pattern: /TPL (-?\d+)/g },
  tier: { type: 'bpchar', declared: 'char(4)', sql: (id) => `'L' || ${id}`, pattern: /L(-?\d+) */g },
};

/** As above, but texts that are long or that message ids cannot hold, none of which is found again. */
export const LONG_KEYS: OtherKeys = Object.fromEntries(
  (['account', 'checkin', 'guest', 'store', 'transaction', 'referral', 'response'] as const).map(
    (kind, at) => [
      kind,
      {
        type: 'text',
        sql: (id: string) =>
          at % 2 === 0 ? `repeat('key ', 30) || ${id}` : `'Schlüssel ' || ${id} || E'\\t%'`,
        pattern: /$^/g,
      },
    ],
  ),
);

/** Accounts lie in two tables, as a mapping with two feeds has them. */
const PARTS: Partial<
  Readonly<Record<TableName, readonly { readonly suffix: string; readonly where: string }[]>>
> = {
  'loyalty.account': [
    { suffix: ' even', where: 'r.account_id % 2 = 0' },
    { suffix: ' odd', where: 'r.account_id % 2 <> 0' },
  ],
};
const WHOLE = [{ suffix: '', where: 'true' }];

/**
 * The reference schema under other names and types, which triggers keep equal: what a transaction writes there is written
 * here by the same transaction, so that both tell the same commits.
 */
export class OtherSchema {
  readonly #schema: string;
  readonly #keys: OtherKeys;
  readonly relations: Relations;
  readonly mapping: Mapping;

  constructor(options: { readonly schema?: string; readonly keys?: OtherKeys } = {}) {
    this.#schema = options.schema ?? 'Shop';
    this.#keys = options.keys ?? OTHER_KEYS;
    this.relations = {
      from: (table) => this.#from(table),
      type: (table, column) => this.#type(table, column),
      plain: (table, column) => {
        const [name, ...more] = this.#namesOf(table);
        return name === undefined || more.length > 0 ? null : { table: name, column: otherColumn(column) };
      },
      has: REFERENCE_MAPPING.relations.has,
      isNull: () => false,
      isEmpty: () => false,
      commitTimed: () => [],
      hasForeignKeys: false,
    };
    this.mapping = { ...REFERENCE_MAPPING, relations: this.relations };
  }

  /** Before anything is written. */
  async create(db: TestDatabase): Promise<void> {
    const schema = quoteName(this.#schema);
    await db.sql(`CREATE SCHEMA ${schema};
      CREATE FUNCTION ${schema}.follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'INSERT' THEN EXECUTE TG_ARGV[0] USING NEW;
        ELSIF TG_OP = 'UPDATE' THEN EXECUTE TG_ARGV[1] USING NEW;
        ELSE EXECUTE TG_ARGV[2] USING OLD; END IF;
        RETURN NULL; END $$`);
    for (const table of TABLE_NAMES) await db.sql(this.#createSql(table));
    await db.sql(`CREATE INDEX ON ${schema}.check_in ("The checkin_time");
      CREATE INDEX ON ${schema}.transaction ("The original_transaction_id");
      CREATE INDEX ON ${schema}.wallet_entry ("The account_id", "The wallet_code", "The posted_at")`);
  }

  /** The text with all keys of these kinds as the reference schema has them. */
  inReferenceKeys(text: string, kinds = Object.keys(this.#keys) as readonly KeyKind[]): string {
    return kinds.reduce((before, kind) => {
      const key = this.#keys[kind];
      return key === undefined
        ? before
        : before.replace(key.pattern, (...match: unknown[]) =>
            String(BigInt(digitsOf(match)) - (key.above ?? 0n)),
          );
    }, text);
  }

  /** A row of a look-up with the keys of the reference schema. */
  rowInReferenceKeys<R extends object>(table: TableName, row: R): R {
    const columns = Object.entries(row).map(([column, value]) => {
      const type = Object.hasOwn(TABLES[table].columns, column) ? columnTypeOf(table, column) : null;
      const isKey = type?.kind === 'key' && typeof value === 'string';
      return [column, isKey ? this.inReferenceKeys(value, [type.of]) : (value as unknown)];
    });
    return Object.fromEntries(columns) as R;
  }

  #type(table: TableName, column: string): string {
    const type = columnTypeOf(table, column);
    return type.kind === 'key' ? (this.#keys[type.of]?.type ?? 'bigint') : type.kind;
  }

  #from(table: TableName): string {
    const columns = columnsOf(table).map((column) => `${quoteName(otherColumn(column))} AS ${column}`);
    // A constant of a mapping may hold a question mark, which is escaped for knex.
    const parts = this.#namesOf(table).map(
      (name) => `SELECT ${columns.join(', ')}, xmin FROM ${quoteTable(name)} WHERE 'why\\?' <> 'not\\?'`,
    );
    return `(${parts.join(' UNION ALL ')})`;
  }

  #createSql(table: TableName): string {
    const columns = columnsOf(table);
    const other = columns.map((column) => quoteName(otherColumn(column)));
    const key = TABLES[table].key.map((column) => quoteName(otherColumn(column)));
    const row = (where: string): string =>
      `SELECT ${columns.map((column) => `${this.#sql(table, column)} AS ${quoteName(otherColumn(column))}`).join(', ')}
        FROM (SELECT ($1).*) r WHERE ${where}`;
    const same = key.map((column) => `o.${column} = s.${column}`).join(' AND ');
    return partsOf(table)
      .map(({ suffix, where }, index) => {
        const name = quoteTable(`${this.#schema}.${recordNameOf(table)}${suffix}`);
        const statements = [
          `INSERT INTO ${name} (${other.join(', ')}) ${row(where)}`,
          `UPDATE ${name} o SET ${other.map((column) => `${column} = s.${column}`).join(', ')} FROM (${row(where)}) s WHERE ${same}`,
          `DELETE FROM ${name} o USING (${row(where)}) s WHERE ${same}`,
        ];
        const declared = columns.map(
          (column, at) => `${other[at]} ${this.#declared(table, column) ?? this.#type(table, column)}`,
        );
        return `CREATE TABLE ${name} (${declared.join(', ')}, PRIMARY KEY (${key.join(', ')}));
          CREATE TRIGGER ${quoteName(`follow ${this.#schema} ${index}`)} AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW
            EXECUTE FUNCTION ${quoteName(this.#schema)}.follow(${statements.map(quoteText).join(', ')})`;
      })
      .join(';\n');
  }

  #namesOf(table: TableName): readonly string[] {
    return partsOf(table).map(({ suffix }) => `${this.#schema}.${recordNameOf(table)}${suffix}`);
  }

  #declared(table: TableName, column: string): string | undefined {
    const type = columnTypeOf(table, column);
    return type.kind === 'key' ? this.#keys[type.of]?.declared : undefined;
  }

  #sql(table: TableName, column: string): string {
    const type = columnTypeOf(table, column);
    const key = type.kind === 'key' ? this.#keys[type.of] : undefined;
    return key === undefined ? `r.${column}` : key.sql(`r.${column}`);
  }
}

function digitsOf([, ...groups]: readonly unknown[]): string {
  return groups.slice(0, -2).join('');
}

function partsOf(table: TableName): readonly { readonly suffix: string; readonly where: string }[] {
  return PARTS[table] ?? WHOLE;
}

function otherColumn(column: string): string {
  return `The ${column}`;
}
