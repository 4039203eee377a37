import type { TableName } from '../records/tables.js';
import { TABLE_NAMES, TABLES } from '../records/tables.js';
import { bindCustomEvent } from './bind-custom-event.js';
import { bindFeed, KEYS_AS_TEXT, type BindFeedOptions } from './bind-feed.js';
import { columnTypeOf } from './canonical.js';
import { describeStreamless } from '../postgres/streamless.js';
import type { TableShape } from '../postgres/table-shapes.js';
import type { Catalogue } from './catalogue.js';
import { defaultFor, DEFAULT_ROWS } from './defaults.js';
import type { Expression } from './expression.js';
import { assignable } from './assignable.js';
import { keyTypes } from './key-types.js';
import type { CustomEvent, Mapping } from './mapping.js';
import { MappingProblems, type MappingProblem } from './problems.js';
import { recordNameOf } from './record-names.js';
import { referenceMapping } from './reference.js';
import type { RecordRow } from './relations.js';
import { boundRelations } from './relations.js';
import { publishedTables } from './published-tables.js';
import type { FeedSpec, MappingSpec, Placed, RowSpec } from './spec.js';
import { unstreamed } from './unstreamed.js';

export interface BindOptions {
  readonly catalogue: Catalogue;
  /** The server's track_commit_timestamp. */
  readonly trackCommitTimestamp: boolean;
}

export type Bound =
  | { readonly tag: 'bound'; readonly mapping: Mapping }
  | { readonly tag: 'wrong'; readonly problems: readonly MappingProblem[] };

/** Without these no event can be derived. */
const NEEDED: readonly TableName[] = ['loyalty.merchant', 'loyalty.account'];

/** Finds what a mapping file names in the database: tables, columns, types, keys. Everything that is wrong comes back at once. */
export function bindMapping(spec: MappingSpec, options: BindOptions): Bound {
  if (spec.feeds === null && spec.customEvents.length === 0) {
    return { tag: 'bound', mapping: referenceMapping(spec.asked) };
  }
  const binding = new Binding(spec, options);
  const mapping = binding.mapping();
  const problems = binding.problems.all;
  return problems.length > 0 ? { tag: 'wrong', problems } : { tag: 'bound', mapping };
}

class Binding {
  readonly problems = new MappingProblems();
  readonly #spec: MappingSpec;
  readonly #options: BindOptions;

  constructor(spec: MappingSpec, options: BindOptions) {
    this.#spec = spec;
    this.#options = options;
  }

  mapping(): Mapping {
    const { catalogue } = this.#options;
    const onlyMerchantId = onlyMerchantOf(this.#spec);
    const customEvents = this.#spec.customEvents.flatMap((each, order) => {
      const bound = bindCustomEvent(each, order, this.#feedOptions(onlyMerchantId));
      return bound === null ? [] : [bound];
    });
    const events = byTable(customEvents);
    if (this.#spec.feeds === null) {
      const reference = referenceMapping(this.#spec.asked);
      const base = reference.tables;
      const tables = publishedTables({ feeds: [], customEvents, base }, catalogue.tables);
      return { ...reference, tables, customEvents: events };
    }
    return { ...this.#mapped(this.#spec.feeds, customEvents, onlyMerchantId), customEvents: events };
  }

  #mapped(
    specs: readonly FeedSpec[],
    customEvents: readonly CustomEvent[],
    onlyMerchantId: string | null,
  ): Omit<Mapping, 'customEvents'> {
    const { trackCommitTimestamp, catalogue } = this.#options;
    const feeds = specs.flatMap((each) => {
      const bound = bindFeed(each, this.#feedOptions(onlyMerchantId));
      return bound === null ? [] : [bound];
    });
    const rows = this.#rows(onlyMerchantId);
    const present = new Set([...specs.map(({ record }) => record), ...rows.map(({ record }) => record)]);
    for (const record of NEEDED.filter((each) => !present.has(each))) {
      this.problems.add('mapping', `${recordNameOf(record)} is missing: no event can be made without it.`);
    }
    return {
      tables: publishedTables({ feeds, customEvents, base: new Map() }, catalogue.tables),
      feeds: byTable(feeds),
      relations: boundRelations({ feeds, rows, keyType: keyTypes(feeds, rows), trackCommitTimestamp }),
      unmapped: new Set(TABLE_NAMES.filter((name) => !present.has(name))),
    };
  }

  #feedOptions(onlyMerchantId: string | null): BindFeedOptions {
    return {
      find: (table) => this.#find(table),
      zone: this.#spec.zone,
      asked: this.#spec.asked,
      onlyMerchantId,
      problems: this.problems,
    };
  }

  #find({ value, at }: Placed<string>): TableShape | null {
    const { tables, streamless, names } = this.#options.catalogue;
    const found = tables.get(value);
    if (found !== undefined) {
      for (const column of found.identityKey.filter((each) => unstreamed(found, each) !== null)) {
        this.problems.add(
          at,
          `${column} of the key of ${value} is a generated column, which is in the stream from PostgreSQL 18 on: let REPLICA IDENTITY USING INDEX name a unique index of ordinary columns.`,
        );
      }
      return found;
    }
    const other = streamless.get(value);
    if (other !== undefined) this.problems.add(at, `${value} ${describeStreamless(other)}`);
    else this.problems.add(at, `There is no table ${value} in this database.`, value, names);
    return null;
  }

  #rows(onlyMerchantId: string | null): readonly RecordRow[] {
    const given = this.#spec.rows;
    const mapped = new Set([...(this.#spec.feeds ?? []), ...given].map(({ record }) => record));
    const standing = DEFAULT_ROWS.filter(({ record }) => !mapped.has(record));
    return [...given, ...standing].map((row) => this.#row(row, onlyMerchantId));
  }

  #row({ record, at, columns: given }: RowSpec, onlyMerchantId: string | null): RecordRow {
    const columns: Record<string, Expression> = {};
    const texts = new Map<string, Expression>(
      [...given].map(([column, { value }]) => [column, { kind: 'constant', text: value }]),
    );
    for (const [column, need] of Object.entries(TABLES[record].columns)) {
      const constant = texts.get(column);
      const wrong =
        constant === undefined ? null : assignable(constant, columnTypeOf(record, column), KEYS_AS_TEXT);
      if (wrong !== null) this.problems.add(given.get(column)?.at ?? at, `${column} ${wrong}.`);
      const standing = defaultFor(record, column, {
        zone: this.#spec.zone,
        onlyMerchantId,
        columns: texts,
      });
      const missing = constant ?? standing;
      if (missing === null && need === 'required') {
        this.problems.add(at, `${recordNameOf(record)} has no ${column}, and there is no default.`);
      }
      columns[column] = missing ?? { kind: 'constant', text: null };
    }
    return { record, columns };
  }
}

function byTable<T extends { readonly table: string }>(all: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const found = new Map<string, T[]>();
  for (const each of all) found.set(each.table, [...(found.get(each.table) ?? []), each]);
  return found;
}

/** The merchant that records are of which name none: the only one that the mapping itself gives. */
function onlyMerchantOf({ feeds, rows }: MappingSpec): string | null {
  const merchants = rows.filter(({ record }) => record === 'loyalty.merchant');
  const fromTable = feeds?.some(({ record }) => record === 'loyalty.merchant') === true;
  const [only] = merchants;
  return merchants.length === 1 && !fromTable ? (only?.columns.get('merchant_id')?.value ?? null) : null;
}
