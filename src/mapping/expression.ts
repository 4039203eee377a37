/**
 * How a canonical value is made of a user's row. Values are PostgreSQL's text, as the stream carries it; every expression
 * means the same in JavaScript (`evaluate.ts`, for streamed rows) and in SQL (`expression-sql.ts`, for look-ups), which
 * a test holds against a real server.
 */
export type Expression =
  /** `join` null: of the feed's own table. */
  | {
      readonly kind: 'column';
      readonly join: string | null;
      readonly column: string;
      /** pg_type.typname, e.g. `bpchar`, `timestamp`, `int4`; `unknown` until it is bound to a database. */
      readonly type: string;
    }
  | { readonly kind: 'constant'; readonly text: string | null }
  /** As concat_ws: null parts are left out; null when nothing is left. */
  | { readonly kind: 'concat'; readonly parts: readonly Expression[]; readonly separator: string }
  /** One id of several columns: parts joined by `:`, in which `%` and `:` are written %25 and %3A. Null when one is. */
  | { readonly kind: 'composite'; readonly parts: readonly Expression[] }
  /** What stands at a path of a json or jsonb column, as `#>>` gives it. */
  | { readonly kind: 'json'; readonly of: Expression; readonly path: readonly string[] }
  /** Codes in the words of the reference schema; null stays null. */
  | {
      readonly kind: 'codes';
      readonly of: Expression;
      readonly codes: ReadonlyMap<string, string>;
      /** For a code that is not listed: itself, or this text, or null. */
      readonly otherwise: { readonly keep: true } | { readonly text: string | null };
    }
  /** True when the value is one of these, false when it is another, null when null; `set`: true unless it is null. */
  | { readonly kind: 'truth'; readonly of: Expression; readonly trueWhen: ReadonlySet<string> | 'set' }
  /** Divided by 10 to the power of `digits`: cents with 2. */
  | { readonly kind: 'scaled'; readonly of: Expression; readonly digits: number }
  /** The number with the other sign, or without one. */
  | { readonly kind: 'signed'; readonly of: Expression; readonly sign: 'negated' | 'absolute' }
  /** The moment that is this many seconds, milli- or microseconds after 1970; null outside the years 1 to 9999. */
  | { readonly kind: 'epoch'; readonly of: Expression; readonly unit: EpochUnit }
  /** A timestamp or date without time zone, as the clocks of this IANA zone showed it. */
  | { readonly kind: 'zoned'; readonly of: Expression; readonly zone: string }
  /** The first that is not null. */
  | { readonly kind: 'first'; readonly of: readonly Expression[] }
  /** Null unless all of these hold. */
  | { readonly kind: 'when'; readonly holds: readonly Condition[]; readonly of: Expression }
  /** When the row's last version was committed. */
  | { readonly kind: 'commit-time' };

export const EPOCH_UNITS = ['s', 'ms', 'us'] as const;
export type EpochUnit = (typeof EPOCH_UNITS)[number];

/** All of a feed's conditions must hold. Null equals nothing, and differs from everything. */
export type Condition =
  | { readonly kind: 'equals'; readonly of: Expression; readonly values: ReadonlySet<string> }
  | { readonly kind: 'differs'; readonly of: Expression; readonly values: ReadonlySet<string> }
  | { readonly kind: 'null'; readonly of: Expression; readonly isNull: boolean }
  /** As numbers, exactly; what is none compares with nothing. */
  | {
      readonly kind: 'compares';
      readonly of: Expression;
      readonly as: Comparison;
      readonly than: string;
    };

export const COMPARISONS = ['below', 'above', 'at_least', 'at_most'] as const;
export type Comparison = (typeof COMPARISONS)[number];
