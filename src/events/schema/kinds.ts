import type { JsonNumber } from '../../records/values.js';

/**
 * One description of a property is everything the project knows of it: the TypeScript type of what builds it, the JSON
 * Schema that checks it, and its line in the tracking plan and in the documentation.
 */
export type PropertySpec = ScalarSpec | RowsSpec;

interface Described {
  readonly doc: string;
  /** May be null: unknown, or not applicable. */
  readonly nullable?: true;
  /** May be absent. Without it the key is always there. */
  readonly optional?: true;
}

interface ScalarSpec extends Described {
  readonly kind: keyof Kinds;
}

/** An array of objects that have exactly these properties. */
interface RowsSpec extends Described {
  readonly kind: 'rows';
  readonly of: PropertyTable;
}

export type PropertyTable = Readonly<Record<string, PropertySpec>>;

export interface Kinds {
  string: string;
  /** A 64-bit id or a code: text, so that no receiver rounds it. */
  id: string;
  number: JsonNumber;
  integer: number;
  boolean: boolean;
  timestamp: string;
  date: string;
  strings: readonly string[];
  objects: readonly unknown[];
  flatWallets: Readonly<Record<string, string | JsonNumber | null>>;
}

type Schema = Readonly<Record<string, unknown>>;

interface Kind {
  readonly label: string;
  readonly schema: Schema;
}

const KINDS: Readonly<Record<keyof Kinds | 'rows', Kind>> = {
  string: { label: 'string', schema: { type: 'string' } },
  id: { label: 'string (id)', schema: { type: 'string', minLength: 1 } },
  number: { label: 'number', schema: { type: 'number' } },
  integer: { label: 'integer', schema: { type: 'integer' } },
  boolean: { label: 'boolean', schema: { type: 'boolean' } },
  timestamp: { label: 'string (RFC 3339 time)', schema: { type: 'string', format: 'date-time' } },
  date: { label: 'string (date)', schema: { type: 'string', format: 'date' } },
  strings: { label: 'array of strings', schema: { type: 'array', items: { type: 'string' } } },
  objects: { label: 'array of objects', schema: { type: 'array', items: { type: 'object' } } },
  flatWallets: {
    label: 'object of one level',
    schema: {
      type: 'object',
      patternProperties: { '^wallet_.+_(code|label|balance)$': { type: ['string', 'number', 'null'] } },
      additionalProperties: false,
    },
  },
  rows: { label: 'array of objects', schema: { type: 'array' } },
};

type ValueOf<S extends PropertySpec> =
  | (S extends { readonly kind: 'rows'; readonly of: infer T extends PropertyTable }
      ? readonly PropertiesOf<T>[]
      : S extends { readonly kind: infer K extends keyof Kinds }
        ? Kinds[K]
        : never)
  | (S extends { readonly nullable: true } ? null : never);

type OptionalKeys<T extends PropertyTable> = {
  [K in keyof T]: T[K] extends { readonly optional: true } ? K : never;
}[keyof T];

/** The object that a table of properties describes. */
export type PropertiesOf<T extends PropertyTable> = {
  readonly [K in Exclude<keyof T, OptionalKeys<T>>]: ValueOf<T[K]>;
} & { readonly [K in OptionalKeys<T>]?: ValueOf<T[K]> };

export function labelOf(spec: PropertySpec): string {
  return KINDS[spec.kind].label;
}

function schemaOf(spec: PropertySpec): Schema {
  const { schema } = KINDS[spec.kind];
  const own = spec.kind === 'rows' ? { ...schema, items: objectSchema(spec.of) } : schema;
  return {
    ...own,
    type: spec.nullable === true ? [own['type'], 'null'] : own['type'],
    description: spec.doc,
  };
}

/** JSON Schema of an object with exactly these properties, in draft-07's words. */
export function objectSchema(table: PropertyTable): Schema {
  const entries = Object.entries(table);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, spec]) => [name, schemaOf(spec)])),
    required: entries.filter(([, spec]) => spec.optional !== true).map(([name]) => name),
    additionalProperties: false,
  };
}
