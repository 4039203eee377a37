import type { TestDatabase } from '../support/postgres.js';

/** Where people, and what they pay with, are named: what a column is made to hold. */
type Kind = 'word' | 'email' | 'phone' | 'birthday' | 'four' | 'json' | 'as it is';

const PERSONAL: readonly [table: string, columns: Readonly<Record<string, Kind>>][] = [
  [
    'loyalty.guest',
    {
      username: 'word',
      first_name: 'word',
      last_name: 'word',
      email: 'email',
      mobile_phone: 'phone',
      date_of_birth: 'birthday',
      postal_code: 'word',
      custom_fields: 'json',
    },
  ],
  ['loyalty.account', { external_account_code: 'word' }],
  // What is printed on a card is a number of its own as it is.
  ['loyalty.card', { printed_card_number: 'as it is', masked_card_number: 'word' }],
  ['loyalty.checkin', { short_card_number: 'word' }],
  ['loyalty.referral', { referral_code: 'word' }],
  ['txn.pos_check', { agent_name: 'word' }],
  ['txn.recharge', { last_four: 'four', processor_auth_code: 'word', processor_reference_number: 'word' }],
  ['survey.response', { comment: 'word' }],
  ['survey.answer', { text_value: 'word' }],
];

/** Every one of them, whatever the application writes. A value that was made once stays. */
const ALWAYS_SET: ReadonlySet<string> = new Set([
  ...Object.keys(PERSONAL[0]?.[1] ?? {}),
  'external_account_code',
  'short_card_number',
  'last_four',
  'processor_auth_code',
  'processor_reference_number',
]);

/**
 * Makes the personal values of a database such that none occurs by chance, those of rows to come too, and remembers each: a
 * first name such as May, a postal code or a birth date of this year would be found everywhere.
 */
export async function markPersonalData(db: TestDatabase): Promise<void> {
  await db.sql(`
    CREATE SCHEMA personal;
    CREATE SEQUENCE personal.number;
    CREATE TABLE personal.value (value text PRIMARY KEY, what text NOT NULL);
    CREATE FUNCTION personal.made(kind text, now text) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE
      n bigint;
    BEGIN
      IF kind = 'as it is' OR EXISTS (SELECT FROM personal.value WHERE value = now) THEN RETURN now; END IF;
      n := nextval('personal.number');
      RETURN CASE kind
        WHEN 'word' THEN 'Xq' || substr(md5('w' || n), 1, 9) || 'Zj'
        WHEN 'email' THEN 'xq' || substr(md5('e' || n), 1, 9) || '@' || substr(md5('d' || n), 1, 6) || '.example'
        WHEN 'phone' THEN '+1988' || lpad((4103 + n * 7919 % 9999991)::text, 7, '0')
        WHEN 'birthday' THEN (date '1931-01-01' + (n % 9000)::int)::text
        WHEN 'four' THEN '§' || lpad(to_hex(n % 4096), 3, '0')
        WHEN 'json' THEN 'Xq' || substr(md5('j' || n), 1, 9) || 'Zj'
      END;
    END $$;
    CREATE FUNCTION personal.mark() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      fields jsonb := to_jsonb(NEW);
      name text;
      made text;
    BEGIN
      FOR i IN 0 .. TG_NARGS / 3 - 1 LOOP
        name := TG_ARGV[3 * i];
        CONTINUE WHEN fields->>name IS NULL AND TG_ARGV[3 * i + 2] = 'if set';
        made := personal.made(TG_ARGV[3 * i + 1], CASE WHEN TG_ARGV[3 * i + 1] = 'json' THEN fields->name->>'note' ELSE fields->>name END);
        INSERT INTO personal.value VALUES (made, TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME || '.' || name) ON CONFLICT DO NOTHING;
        fields := fields || jsonb_build_object(name, CASE WHEN TG_ARGV[3 * i + 1] = 'json' THEN jsonb_build_object('note', made) ELSE to_jsonb(made) END);
      END LOOP;
      RETURN jsonb_populate_record(NEW, fields);
    END $$;`);
  for (const [table, columns] of PERSONAL) {
    const names = Object.keys(columns);
    const args = Object.entries(columns).flatMap(([column, kind]) => [
      column,
      kind,
      ALWAYS_SET.has(column) ? 'always' : 'if set',
    ]);
    await db.sql(
      `CREATE TRIGGER mark BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW
       EXECUTE FUNCTION personal.mark(${args.map((arg) => `'${arg}'`).join(', ')})`,
    );
    await db.sql(`UPDATE ${table} SET ${names.map((name) => `${name} = ${name}`).join(', ')}`);
  }
}

export interface PersonalValue {
  readonly value: string;
  /** The column that holds it. */
  readonly what: string;
}

export async function personalValues(db: TestDatabase): Promise<readonly PersonalValue[]> {
  const { rows } = await db.sql<{ value: string; what: string }>('SELECT value, what FROM personal.value');
  return rows;
}

export interface Trace {
  /** What was looked through. */
  readonly where: string;
  readonly what: string;
  /** With what stands around it. */
  readonly found: string;
}

const AROUND = 120;
const MOST_OF_A_PLACE = 5;

/** Of a value what is looked for first. Every value is at least as long. */
const HEAD_CHARS = 4;
const HASH_BITS = 20;

/**
 * Where any of the values stands, whatever the case of its letters. Each text is read once: to look for thousands of values one
 * after the other in logs of many megabytes takes minutes.
 */
export function tracesOf(
  values: readonly PersonalValue[],
  places: ReadonlyMap<string, string>,
): readonly Trace[] {
  const byHead = new Map<string, PersonalValue[]>();
  const heads = new Uint8Array(1 << HASH_BITS);
  for (const value of values) {
    const lower = value.value.toLowerCase();
    if (lower.length < HEAD_CHARS) throw new RangeError(`${value.what} holds a value too short to look for`);
    const head = lower.slice(0, HEAD_CHARS);
    byHead.set(head, [...(byHead.get(head) ?? []), value]);
    heads[hashAt(lower, 0)] = 1;
  }
  const traces: Trace[] = [];
  for (const [where, text] of places) {
    const searched = text.toLowerCase();
    const found = new Map<PersonalValue, number>();
    for (let at = 0; at <= searched.length - HEAD_CHARS && found.size < MOST_OF_A_PLACE; at += 1) {
      if (heads[hashAt(searched, at)] === 0) continue;
      for (const value of byHead.get(searched.slice(at, at + HEAD_CHARS)) ?? []) {
        if (!found.has(value) && searched.startsWith(value.value.toLowerCase(), at)) found.set(value, at);
      }
    }
    for (const [{ value, what }, at] of found) {
      traces.push({ where, what, found: text.slice(Math.max(0, at - AROUND), at + value.length + AROUND) });
    }
  }
  return traces;
}

function hashAt(text: string, at: number): number {
  let hash = 0;
  for (let char = at; char < at + HEAD_CHARS; char += 1) hash = Math.imul(hash, 31) + text.charCodeAt(char);
  return hash & ((1 << HASH_BITS) - 1);
}
