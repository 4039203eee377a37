import fc from 'fast-check';
import type { TableName } from '../../src/records/tables.js';
import {
  beginMessage,
  commitMessage,
  logicalMessage,
  mappedColumns,
  originMessage,
  relationMessage,
  rowMessage,
  truncateMessage,
  tuple,
  typeMessage,
  type TestColumn,
  type TestValue,
} from './pgoutput-messages.js';

/** Streams of pgoutput messages as a server sends them, and ways to damage them. */
const TABLES: readonly {
  readonly id: number;
  readonly table: TableName;
  readonly keys: readonly string[];
}[] = [
  { id: 7, table: 'txn.check_card', keys: ['check_id', 'card_id'] },
  { id: 8, table: 'loyalty.tier', keys: ['merchant_id', 'card_template_code', 'tier_code'] },
  { id: 9, table: 'survey.question', keys: ['question_id'] },
];
const UNMAPPED = 40;

const text = fc.oneof(
  fc.string({ unit: 'binary' }).map((value) => Buffer.from(value).toString().replaceAll('\0', '')),
  fc.constantFrom('', '0', '9.50', 'Zoë 🍕', '\uFFFD', '\uFEFFx', 't', 'n'),
  fc.integer({ min: 900, max: 1_300 }).map((length) => 'x'.repeat(length)),
);
const value: fc.Arbitrary<TestValue> = fc.oneof(
  { weight: 5, arbitrary: text },
  fc.constant(null),
  fc.constant(undefined),
);

interface Described {
  readonly id: number;
  readonly columns: readonly TestColumn[];
  readonly message: Buffer;
}

/** A description of the table: its columns in any order, others among them. */
const described = fc.constantFrom(...TABLES).chain(({ id, table, keys }) => {
  const columns = [...mappedColumns(table, keys), { name: 'note' }, { name: 'extra' }];
  return fc
    .tuple(
      fc.shuffledSubarray(columns, { minLength: columns.length }),
      fc.nat(2),
      fc.constantFrom('d', 'f', 'i', 'n'),
    )
    .map(([order, extra, identity]): Described => {
      const sent = order.filter(
        ({ name }) => (name !== 'note' || extra > 0) && (name !== 'extra' || extra > 1),
      );
      return { id, columns: sent, message: relationMessage(id, table, sent, identity) };
    });
});

function row({ id, columns }: Described): fc.Arbitrary<Buffer> {
  const values = fc.array(value, { minLength: columns.length, maxLength: columns.length });
  const key = values.map((all) => all.map((one, i) => (columns[i]?.key === true ? (one ?? '1') : null)));
  return fc.oneof(
    values.map((all) => rowMessage('I', id, tuple('N', all))),
    values.map((all) => rowMessage('U', id, tuple('N', all))),
    fc.tuple(values, values).map(([old, now]) => rowMessage('U', id, tuple('O', old), tuple('N', now))),
    fc.tuple(key, values).map(([old, now]) => rowMessage('U', id, tuple('K', old), tuple('N', now))),
    values.map((all) => rowMessage('D', id, tuple('O', all))),
    key.map((all) => rowMessage('D', id, tuple('K', all))),
  );
}

const others = fc.constantFrom(
  [truncateMessage(7, 9)],
  [originMessage()],
  [typeMessage()],
  [logicalMessage()],
  [relationMessage(UNMAPPED, 'public.other', [{ name: 'a' }]), rowMessage('I', UNMAPPED, tuple('N', ['x']))],
);

/** The messages between BEGIN and COMMIT; each table is described before its rows, and sometimes anew between them. */
const body = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: described.chain((table) =>
        fc.array(row(table), { maxLength: 4 }).map((rows) => [table.message, ...rows]),
      ),
    },
    { weight: 1, arbitrary: others },
  ),
  { maxLength: 4 },
);

const transactions = fc.array(
  fc.record({ body, gap: fc.integer({ min: 0, max: 90 }), record: fc.integer({ min: 1, max: 400 }) }),
  {
    minLength: 1,
    maxLength: 4,
  },
);

/** A stream as it should be, from `start` on. */
export function wholeStream(start = 1_000n): fc.Arbitrary<Buffer[]> {
  return transactions.map((all) => {
    let position = start;
    return all.flatMap((one, i) => {
      const commitLsn = position + BigInt(one.gap);
      position = commitLsn + BigInt(one.record);
      return [
        beginMessage({ xid: 700 + i, commitLsn }),
        ...one.body.flat(),
        commitMessage({ commitLsn, endLsn: position }),
      ];
    });
  });
}

/** Messages of protocol versions 2 and 3: streamed and prepared transactions. */
const LATER_VERSIONS = [
  'S\0\0\0\x01\x01',
  'E',
  'c\0\0\0\x01',
  'A\0\0\0\x01\0\0\0\x01',
  'b',
  'P',
  'K',
  'r',
  'p',
];

const EXTREMES = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

const at = fc.nat(100_000);

type Damage = (stream: Buffer[]) => void;

/** One way to damage a stream. Positions are taken modulo what is there. */
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(at, at).map(([i, length]) => change(i, (m) => m.subarray(0, length % m.length))),
  fc
    .tuple(at, fc.uint8Array({ minLength: 1, maxLength: 20 }))
    .map(([i, more]) => change(i, (m) => Buffer.concat([m, more]))),
  fc
    .tuple(at, at)
    .map(([i, bit]) => change(i, (m) => withByte(m, bit >> 3, (byte) => byte ^ (1 << (bit & 7))))),
  fc.tuple(at, at, fc.nat(255)).map(([i, where, byte]) => change(i, (m) => withByte(m, where, () => byte))),
  fc.tuple(at, at, fc.constantFrom(2, 4), fc.constantFrom(...EXTREMES)).map(([i, where, width, number]) =>
    change(i, (m) => {
      if (m.length < width) return m;
      const copy = Buffer.from(m);
      copy.writeUIntBE(number % 256 ** width, where % (m.length - width + 1), width);
      return copy;
    }),
  ),
  fc
    .tuple(at, fc.constantFrom('B', 'C', 'O', 'R', 'Y', 'I', 'U', 'D', 'T', 'M'))
    .map(([i, kind]) => change(i, (m) => withByte(m, 0, () => kind.charCodeAt(0)))),
  fc
    .tuple(at, at)
    .map(([i, where]) =>
      change(i, (m) =>
        Buffer.concat([
          m.subarray(0, where % m.length),
          Buffer.from([0xc3, 0x28]),
          m.subarray((where % m.length) + 2),
        ]),
      ),
    ),
  at.map((i) => (stream: Buffer[]) => void stream.splice(i % stream.length, 1)),
  at.map(
    (i) => (stream: Buffer[]) =>
      void stream.splice(i % stream.length, 0, stream[i % stream.length] as Buffer),
  ),
  fc.tuple(at, at).map(([i, j]) => (stream: Buffer[]) => {
    const [a, b] = [i % stream.length, j % stream.length];
    [stream[a], stream[b]] = [stream[b] as Buffer, stream[a] as Buffer];
  }),
  fc.tuple(at, fc.uint8Array({ maxLength: 40 })).map(
    ([i, bytes]) =>
      (stream: Buffer[]) =>
        void stream.splice(i % stream.length, 0, Buffer.from(bytes)),
  ),
  fc.tuple(at, fc.constantFrom(...LATER_VERSIONS)).map(
    ([i, message]) =>
      (stream: Buffer[]) =>
        void stream.splice(i % stream.length, 0, Buffer.from(message, 'latin1')),
  ),
);

function change(i: number, how: (message: Buffer) => Buffer): Damage {
  return (stream) => {
    const index = i % stream.length;
    const message = stream[index] as Buffer;
    if (message.length > 0) stream[index] = how(message);
  };
}

function withByte(message: Buffer, where: number, how: (byte: number) => number): Buffer {
  const copy = Buffer.from(message);
  const index = where % message.length;
  copy[index] = how(copy[index] as number);
  return copy;
}

/** A stream with up to three damages. */
export function damagedStream(start?: bigint): fc.Arbitrary<Buffer[]> {
  return fc.tuple(wholeStream(start), fc.array(damage, { maxLength: 3 })).map(([whole, damages]) => {
    const stream = [...whole];
    for (const one of damages) if (stream.length > 0) one(stream);
    return stream;
  });
}
