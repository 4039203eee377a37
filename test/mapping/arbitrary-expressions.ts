import fc from 'fast-check';

import { COMPARISONS, type Condition, type Expression } from '../../src/mapping/expression.js';
import { conditionProblem, isProblem, typeOf } from '../../src/mapping/expression-type.js';
import {
  COLUMN_NAMES,
  COLUMNS,
  JSON_KEYS,
  TELLING_TEXTS,
  UUIDS,
  ZONES,
  type ColumnName,
} from './arbitrary-rows.js';

/** The join of which the rows may be missing. */
export const JOIN = 'other';

function column(names: readonly ColumnName[]): fc.Arbitrary<Expression> {
  return fc.tuple(fc.constantFrom(...names), fc.constantFrom(null, null, JOIN)).map(([name, join]) => ({
    kind: 'column',
    join,
    column: name,
    type: COLUMNS[name][0],
  }));
}

/** Before and after the bounds of what can be written, of each unit, and what a double does not hold. */
const EPOCHS = [
  '0', '-1', '-0.5', '0.0000005', '1767225600', '1767225600123', '1767225600123456.9', '-62135596800', '-62135596800.000001',
  '253402300799.999999', '253402300800', '253402300799999999', '253402300800000000', '253402214400123457', '-62135596800000001', 'NaN', '-Infinity',
]; // prettier-ignore

/** A shorter text for a constant: the long ones are for rows. */
const literal = fc.constantFrom(...TELLING_TEXTS.filter((text) => text.length < 100));
const constant: fc.Arbitrary<Expression> = fc
  .option(literal, { freq: 6 })
  .map((text) => ({ kind: 'constant', text }));
const literals = fc.uniqueArray(literal, { maxLength: 4 }).map((values) => new Set(values));

const json: fc.Arbitrary<Expression> = fc
  .tuple(
    column(['j', 'jb']),
    fc.array(fc.constantFrom(...JSON_KEYS, '+1', ' 1', '01', '-2', '2147483648', 'x', '?'), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([of, path]) => ({ kind: 'json', of, path }));

const zonedOf: fc.Arbitrary<Expression> = fc.oneof(
  column(['ts', 'ts3', 'd']),
  fc
    .array(column(['ts', 'ts3']), { minLength: 1, maxLength: 2 })
    .map((of): Expression => ({ kind: 'first', of })),
);
const zoned: fc.Arbitrary<Expression> = fc
  .tuple(zonedOf, fc.constantFrom(...ZONES))
  .map(([of, zone]) => ({ kind: 'zoned', of, zone }));

const alike: fc.Arbitrary<Expression> = fc
  .constantFrom<readonly ColumnName[]>(['i2', 'i4', 'i8', 'n', 'n2', 'f4', 'f8'], ['b'], ['u'], ['tz'], ['bp', 'vc', 'tx', 'ci'], ['d'], ['n', 'n2'])
  .chain((names) => fc.array(fc.oneof({ weight: 4, arbitrary: column(names) }, { weight: 1, arbitrary: constant }), { minLength: 1, maxLength: 3 }))
  .map((of) => ({ kind: 'first', of })); // prettier-ignore

const { expression: any } = fc.letrec<{ expression: Expression; leaf: Expression }>((tie) => ({
  leaf: fc.oneof(
    { weight: 6, arbitrary: column(COLUMN_NAMES) },
    { weight: 1, arbitrary: constant },
    json,
    zoned,
    alike,
    {
      weight: 1,
      arbitrary: fc.constant<Expression>({ kind: 'commit-time' }),
    },
  ),
  expression: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    tie('leaf'),
    fc
      .tuple(fc.array(tie('expression'), { maxLength: 3 }), fc.constantFrom(' ', '', '?', ', '))
      .map(([parts, separator]): Expression => ({ kind: 'concat', parts, separator })),
    fc
      .array(tie('expression'), { minLength: 1, maxLength: 3 })
      .map((parts): Expression => ({ kind: 'composite', parts })),
    fc
      .tuple(
        tie('expression'),
        fc.array(fc.tuple(literal, literal), { maxLength: 4 }),
        fc.oneof(
          fc.constant({ keep: true } as const),
          fc.option(literal).map((text) => ({ text })),
        ),
      )
      .map(([of, codes, otherwise]): Expression => ({ kind: 'codes', of, codes: new Map(codes), otherwise })),
    fc
      .tuple(tie('expression'), fc.oneof(literals, fc.constant<'set'>('set')))
      .map(([of, trueWhen]): Expression => ({ kind: 'truth', of, trueWhen })),
    fc
      .tuple(tie('expression'), fc.integer({ min: 0, max: 6 }))
      .map(([of, digits]): Expression => ({ kind: 'scaled', of, digits })),
    fc
      .tuple(tie('expression'), fc.constantFrom('negated' as const, 'absolute' as const))
      .map(([of, sign]): Expression => ({ kind: 'signed', of, sign })),
    fc
      .tuple(tie('expression'), fc.constantFrom('s' as const, 'ms' as const, 'us' as const))
      .map(([of, unit]): Expression => ({ kind: 'epoch', of, unit })),
    fc.array(tie('expression'), { maxLength: 3 }).map((of): Expression => ({ kind: 'first', of })),
  ),
}));

/** Literals beside a column that has values like them. */
const likely: fc.Arbitrary<{ readonly of: Expression; readonly values: readonly string[] }> = fc
  .constantFrom<readonly [readonly ColumnName[], readonly string[]]>(
    [['n', 'n2', 'f8', 'i4'], ['5', '5.0', '0', '-0', '0.000', '1', 'NaN', 'Infinity', '100000000000000000000', 'x']],
    [['tx', 'ci', 'vc', 'bp', 'Odd "name"?'], ['A', 'a', 'A ', 'B', '5', '', ' ', '?', '\\?', "it's"]],
    [['b'], ['t', 'true', 'f', 'false', 'T']],
    [['u'], [...UUIDS, UUIDS[0].toUpperCase()]],
    [['e', 'ba', 'ip'], ['happy', 'A', '{t,f}', '10.0.0.1', '10.0.0.1/32']],
  )
  .chain(([names, values]) =>
    fc.record({ of: column(names), values: fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 }) }),
  ); // prettier-ignore

const likelyCodes: fc.Arbitrary<Expression> = likely.map(({ of, values }) => ({
  kind: 'codes',
  of,
  codes: new Map(values.map((value, index) => [value, `word ${index}`])),
  otherwise: { keep: true },
}));
const likelyTruth: fc.Arbitrary<Expression> = likely.map(({ of, values }) => ({
  kind: 'truth',
  of,
  trueWhen: new Set(values),
}));

/** Numbers as they are, with another sign, and as moments. */
const ofNumbers: fc.Arbitrary<Expression> = fc
  .tuple(
    fc.oneof(column(['i2', 'i4', 'i8', 'n', 'n2', 'f4', 'f8']), fc.constantFrom<Expression>(...EPOCHS.map((text) => ({ kind: 'constant' as const, text })))),
    fc.constantFrom<readonly ['signed', 'negated' | 'absolute'] | readonly ['epoch', 's' | 'ms' | 'us']>(['signed', 'negated'], ['signed', 'absolute'], ['epoch', 's'], ['epoch', 'ms'], ['epoch', 'us']),
  )
  .map(([of, [kind, how]]): Expression => (kind === 'signed' ? { kind, of, sign: how } : { kind, of, unit: how })); // prettier-ignore

export const wellTyped: fc.Arbitrary<Expression> = fc
  .oneof(
    { weight: 8, arbitrary: any },
    { weight: 3, arbitrary: column(COLUMN_NAMES) },
    json,
    zoned,
    likelyCodes,
    likelyTruth,
    { weight: 2, arbitrary: ofNumbers },
  )
  .filter((each) => !isProblem(typeOf(each)));

export const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc
    .tuple(fc.constantFrom('equals' as const, 'differs' as const), likely)
    .map(([kind, { of, values }]): Condition => ({ kind, of, values: new Set(values) })),
  fc
    .tuple(fc.constantFrom('equals' as const, 'differs' as const), wellTyped, literals)
    .map(([kind, of, values]): Condition => ({ kind, of, values })),
  fc
    .tuple(
      fc.oneof(wellTyped, column(['i2', 'i4', 'i8', 'n', 'n2', 'f4', 'f8', 'tx'])),
      fc.constantFrom(...COMPARISONS),
      fc.constantFrom('0', '-1', '5', '5.00', '0.1', '-0.5', '100000000000000000000', '9007199254740993', 'NaN', '-Infinity'),
    )
    .map(([of, as, than]): Condition => ({ kind: 'compares', of, as, than }))
    .filter((each) => conditionProblem(each) === null), // prettier-ignore
  fc.tuple(wellTyped, fc.boolean()).map(([of, isNull]): Condition => ({ kind: 'null', of, isNull })),
);
