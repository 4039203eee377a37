import fc from 'fast-check';

/** pg_type.typname and how a table declares it, by column. */
export const COLUMNS = {
  i2: ['int2', 'smallint'],
  i4: ['int4', 'integer'],
  i8: ['int8', 'bigint'],
  n: ['numeric', 'numeric'],
  n2: ['numeric', 'numeric(14,2)'],
  f4: ['float4', 'real'],
  f8: ['float8', 'double precision'],
  b: ['bool', 'boolean'],
  tx: ['text', 'text'],
  'Odd "name"?': ['text', 'text COLLATE "C"'],
  ci: ['text', 'text COLLATE caseless'],
  vc: ['varchar', 'varchar(40)'],
  bp: ['bpchar', 'character(8)'],
  d: ['date', 'date'],
  ts: ['timestamp', 'timestamp'],
  ts3: ['timestamp', 'timestamp(3)'],
  tz: ['timestamptz', 'timestamptz'],
  u: ['uuid', 'uuid'],
  j: ['json', 'json'],
  jb: ['jsonb', 'jsonb'],
  by: ['bytea', 'bytea'],
  e: ['mood', 'mood'],
  ia: ['_int4', 'integer[]'],
  ba: ['_bool', 'boolean[]'],
  ip: ['inet', 'inet'],
  iv: ['interval', 'interval'],
  pair: ['pair', 'pair'],
} as const satisfies Readonly<Record<string, readonly [typname: string, declared: string]>>;

export type ColumnName = keyof typeof COLUMNS;
export const COLUMN_NAMES = Object.keys(COLUMNS) as readonly ColumnName[];

export const ZONES = [
  'America/New_York',
  'Europe/Dublin',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Africa/Monrovia',
  'UTC',
] as const;

export const UUIDS = [
  '6f1c24ce-8a3f-4b52-9d61-0f7a4a8c11de',
  '00000000-0000-0000-0000-000000000000',
] as const;

/** Texts that mean something to one reading or the other. */
export const TELLING_TEXTS = [
  '', ' ', 'A', 'a', 'A ', 'B', 't', 'f', 'true', 'false', '0', '1', '-1', '5', '5.0', '5.00', '0.50', '.5', '-0', '-0.0', '007',
  '12.50', '1e5', '1.25e1', '1.5E-7', '-2.50e+3', '1e999', 'NaN', 'Infinity', '-Infinity', ' 1', '9223372036854775807',
  '9223372036854775808', '-9223372036854775808', '40000', '2147483648', 'null', '[]', '{}', '?', '\\?', 'why? \\ no\\', "it's", '%', ':',
  'a:b%c', '%3A', '2026-11-20', '2026-02-30', '2026-11-20 10:00:00', '2026-11-20T10:00:00.50Z', '2026-11-20 10:00:00+02', 'infinity',
  'Ärger 🍕', 'happy', UUIDS[0], UUIDS[0].toUpperCase(), '{6f1c24ce-8a3f-4b52-9d61-0f7a4a8c11de}', '\n', '"', 'x'.repeat(1001),
] as const; // prettier-ignore

const telling = fc.constantFrom(...TELLING_TEXTS);
const text = fc.oneof(
  telling,
  fc
    .string({ unit: 'grapheme', maxLength: 12 })
    .filter((given) => !given.includes('\u0000') && !/\p{Cs}/u.test(given)),
);

function integer(bits: number): fc.Arbitrary<string> {
  const limit = 2n ** BigInt(bits - 1);
  return fc
    .oneof(fc.constantFrom(0n, 1n, -1n, 5n, limit - 1n, -limit), fc.bigInt({ min: -limit, max: limit - 1n }))
    .map(String);
}

function decimal(digits: number, scale: number): fc.Arbitrary<string> {
  const limit = 10n ** BigInt(digits);
  return fc
    .tuple(fc.bigInt({ min: -limit, max: limit }), fc.integer({ min: 0, max: scale }))
    .map(([units, places]) => {
      const padded = (units < 0n ? -units : units).toString().padStart(places + 1, '0');
      const shown = places === 0 ? padded : `${padded.slice(0, -places)}.${padded.slice(-places)}`;
      return units < 0n ? `-${shown}` : shown;
    });
}

const notFinite = fc.constantFrom('NaN', 'Infinity', '-Infinity');
const year = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1965, max: 2100 }) },
  { weight: 2, arbitrary: fc.integer({ min: -4711, max: 12_000 }) },
);

const day = fc.tuple(year, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 }));
const clock = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 86_399_999_999 }));

function dayText([y, m, d]: readonly [number, number, number], time = ''): string {
  const shown = `${String(y > 0 ? y : 1 - y).padStart(4, '0')}-${String(m).padStart(2, '0')}-${String(d).padStart(2, '0')}`;
  return `${shown}${time}${y > 0 ? '' : ' BC'}`;
}

function clockText(us: number): string {
  const [seconds, micros] = [Math.floor(us / 1_000_000), us % 1_000_000];
  const two = (value: number) => String(value).padStart(2, '0');
  return ` ${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${String(micros).padStart(6, '0')}`;
}

/** Around the changes of the clocks of `ZONES`, and where years end. */
const turning = fc
  .tuple(
    fc.constantFrom('2026-03-08', '2026-11-01', '2026-03-29', '2026-10-25', '2026-04-05', '2026-10-04', '1972-01-07', '1969-12-31', '1970-01-01', '0001-01-01', '9999-12-31', '2026-12-31'),
    clock.map((us) => us % 21_600_000_000),
    fc.boolean(),
  )
  .map(([date, us, late]) => `${date}${clockText(late ? 86_399_999_999 - us : us)}`); // prettier-ignore

const timestamp = fc.oneof(
  { weight: 4, arbitrary: turning },
  { weight: 4, arbitrary: fc.tuple(day, clock).map(([date, us]) => dayText(date, clockText(us))) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'infinity',
      '-infinity',
      '294276-12-31 23:59:59.999999',
      '4714-11-24 00:00:00 BC',
    ),
  },
);

const jsonString = fc.oneof(
  text.map((given) => JSON.stringify(given)),
  fc.constantFrom('"\\u00e4\\/\\b"', '"\\ud83c\\udf55 pizza"', '"\\\\u0000"', '"a\\\\\\\\"', '"\\u0041"'),
);
const badString = fc.constantFrom(
  '"\\u0000"',
  '"\\ud83c"',
  '"\\udf55\\ud83c"',
  '"\\\\\\u0000"',
  '"\\ud83c\\\\\\udf55"',
);
export const JSON_KEYS = ['a', 'b', '0', '1', '-1', '', 'a.b', '"', '🍕'] as const;
const jsonNumber = fc.constantFrom(
  '0',
  '-0',
  '12.50',
  '1152921504606846976',
  '1e5',
  '1.50E-2',
  '-7',
  '1e2',
  '123456789.123456789123456789',
);

/** JSON as text, spaced and doubled as only json keeps it. */
function jsonText(strings: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const space = fc.constantFrom('', '', ' ', '\n\t');
  const { value } = fc.letrec<{ value: string; object: string; array: string; scalar: string }>((tie) => ({
    scalar: fc.oneof(strings, jsonNumber, fc.constantFrom('null', 'true', 'false')),
    array: fc.tuple(fc.array(fc.tuple(space, tie('value')), { maxLength: 3 }), space).map(([elements, end]) => `[${elements.map((each) => each.join('')).join(',')}${end}]`),
    object: fc
      .tuple(fc.array(fc.tuple(space, fc.constantFrom(...JSON_KEYS), space, tie('value')), { maxLength: 4 }), space)
      .map(([pairs, end]) => `{${pairs.map(([lead, key, gap, held]) => `${lead}${JSON.stringify(key)}${gap}:${gap}${held}`).join(',')}${end}}`),
    value: fc.oneof({ maxDepth: 3, withCrossShrink: true }, tie('scalar'), tie('object'), tie('array')),
  })); // prettier-ignore
  const nested = fc
    .tuple(value, value, value)
    .map(([a, b, c]) => `{"a":${a},"b":[${b},${c},{"a":${b}}],"0":"A"}`);
  return fc.tuple(space, fc.oneof(value, nested), space).map((parts) => parts.join(''));
}

const VALUES: Readonly<Record<ColumnName, fc.Arbitrary<string>>> = {
  i2: integer(16),
  i4: integer(32),
  i8: integer(64),
  n: fc.oneof(decimal(60, 30), decimal(3, 4), notFinite, fc.constantFrom('0', '0.000', '1e20', '5', '5.00')),
  n2: fc.oneof(decimal(11, 2), fc.constantFrom('5', '0')),
  f4: fc.float().map(String),
  f8: fc.oneof(
    fc.double().map(String),
    fc.constantFrom('5', '0.1', '-0', '1e-7', '1e21', '123456789012345680'),
  ),
  b: fc.constantFrom('t', 'f'),
  tx: text,
  'Odd "name"?': text,
  ci: fc.oneof(fc.constantFrom('A', 'a', 'B', 'b'), text),
  vc: text.map((given) => given.slice(0, 40)).filter((given) => !/\p{Cs}/u.test(given)),
  bp: fc.constantFrom('A', 'a', 'B', 'AB ', '', 'longcode', '5'),
  d: fc.oneof(
    day.map((date) => dayText(date)),
    fc.constantFrom('infinity', '-infinity', '5874897-12-31', '4714-11-24 BC', '0001-01-01', '9999-12-31'),
  ),
  ts: timestamp,
  ts3: timestamp,
  tz: timestamp.map((given) =>
    given.includes('infinity') || given.includes('4714') ? given : given.replace(/( BC)?$/, '+00$1'),
  ),
  u: fc.oneof(fc.constantFrom(...UUIDS), fc.uuid()),
  j: jsonText(fc.oneof({ weight: 9, arbitrary: jsonString }, { weight: 1, arbitrary: badString })),
  jb: jsonText(jsonString),
  by: fc.uint8Array({ maxLength: 6 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`),
  e: fc.constantFrom('happy', 'A', 'so so'),
  ia: fc.constantFrom('{}', '{1,NULL,3}', '{{1,2},{3,4}}'),
  ba: fc.constantFrom('{t,f}', '{NULL}'),
  ip: fc.constantFrom('10.0.0.1', '10.0.0.0/8', '::1', '2001:db8::/32'),
  iv: fc.constantFrom('1 day 02:03:04.5', '-1 mon', '00:00:00'),
  pair: fc.constantFrom('(,)', '(1,)', '(1,"a b")'),
};

/** A row as it is written; the server has its own words for it. */
export type WrittenRow = Readonly<Record<ColumnName, string | null>>;

export const writtenRow: fc.Arbitrary<WrittenRow> = fc.record(
  Object.fromEntries(COLUMN_NAMES.map((name) => [name, fc.option(VALUES[name], { freq: 6 })])) as Record<
    ColumnName,
    fc.Arbitrary<string | null>
  >,
);
