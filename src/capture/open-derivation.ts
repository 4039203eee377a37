import type { Knex } from 'knex';
import type { EventSettings } from '../config/source.js';
import { Directory } from '../enrichment/directory.js';
import { postgresLookups } from '../enrichment/postgres-lookups.js';
import { candidateRules } from '../events/candidates.js';
import { deriveEvents } from '../events/derive.js';
import type { Derived } from '../events/event.js';
import { joinedRows } from '../enrichment/joined-rows.js';
import type { Mapping } from '../mapping/mapping.js';
import { REFERENCE_MAPPING } from '../mapping/reference.js';
import { openTranslation } from '../mapping/translation.js';
import { wordWatch } from '../mapping/unknown-words.js';
import { tracksCommitTimes } from '../postgres/system.js';
import type { EventSink } from '../queue/sink.js';
import type { CandidateRules } from '../records/gather.js';
import type { TableName } from '../records/tables.js';
import { isListed, type ListedGuests } from '../suppression/listed-guests.js';
import { Derivation, type DerivationOptions } from './derivation.js';

export interface OpenDerivationOptions {
  readonly knex: Knex;
  readonly sources: readonly EventSettings[];
  readonly sink: EventSink;
  readonly suppress: DerivationOptions['suppress'];
  readonly withDatabase: DerivationOptions['withDatabase'];
  readonly cacheAccounts: number;
  /** Default: the tables are the reference schema's. */
  readonly mapping?: Mapping;
  readonly onLookup?: (table: string) => void;
  readonly onDerived?: (source: string, name: string, outcome: 'derived' | 'rejected') => void;
  /** A row of this merchant would be an event, and no source takes it. Called for every such row. */
  readonly onUnrouted?: (merchantId: string) => void;
  readonly onUnreadableNumber?: (column: string) => void;
  /** A row would be this event of an account that there is no record of. Called for every such row. */
  readonly onNoAccount?: (source: string, event: string) => void;
  /** A column of a record was read with a word that the record does not have. Called for every such value. */
  readonly onUnknownWord?: (table: TableName, column: string) => void;
  /** Calls of these guests are not even derived: for what is only counted or shown. Default: nobody. */
  readonly listed?: ListedGuests;
}

/**
 * Rules, look-ups and a directory of its own around a derivation: what a stream needs from its first transaction on. A
 * stream that begins elsewhere opens another, for the directory stands where its stream stands.
 */
export async function openDerivation(options: OpenDerivationOptions): Promise<Derivation> {
  const { knex, sources, sink, suppress, withDatabase, mapping = REFERENCE_MAPPING } = options;
  const trackCommitTimestamp = await withDatabase(() => tracksCommitTimes(knex));
  const rules = routedRules(sources, options.onUnrouted ?? (() => undefined));
  const watch = wordWatch(mapping, options.onUnknownWord ?? null);
  const directory = new Directory({
    lookups: postgresLookups({
      knex,
      relations: mapping.relations,
      trackCommitTimestamp,
      watch,
      ...(options.onLookup === undefined ? {} : { onLookup: options.onLookup }),
    }),
    isRegistration: (transition) => rules.registration(transition),
    maxAccounts: options.cacheAccounts,
  });
  const observer = {
    notRepresentable: (column: string) => options.onUnreadableNumber?.(column),
    noAccount: (source: string, event: string) => options.onNoAccount?.(source, event),
  };
  return new Derivation({
    directory,
    rules,
    sources,
    derive: (input) => counted(deriveEvents({ ...input, observer }), input.settings.name, options),
    sink,
    suppress,
    withDatabase,
    translation: openTranslation({
      mapping,
      watch,
      read: joinedRows({
        knex,
        mapping,
        ...(options.onLookup === undefined ? {} : { onLookup: options.onLookup }),
      }),
    }),
  });
}

function* counted(
  calls: Iterable<Derived>,
  source: string,
  { onDerived, listed }: OpenDerivationOptions,
): Generator<Derived> {
  for (const call of calls) {
    if (isListed(listed, call.guestId)) continue;
    onDerived?.(source, call.name, call.tag === 'event' ? 'derived' : 'rejected');
    yield call;
  }
}

/** Rows of merchants that no source takes are dropped before anything is looked up. */
function routedRules(
  sources: readonly EventSettings[],
  onUnrouted: (merchantId: string) => void,
): CandidateRules {
  const rules = candidateRules({ emitVoids: sources.some((source) => source.emitVoids) });
  const merchants = new Set<string>();
  for (const { merchantIds } of sources) {
    if (merchantIds === null) return rules;
    for (const id of merchantIds) merchants.add(id);
  }
  const takes = (row: { readonly merchant_id: string } | null): boolean => {
    if (row === null || merchants.has(row.merchant_id)) return row !== null;
    onUnrouted(row.merchant_id);
    return false;
  };
  return {
    transaction: (row) => rules.transaction(row) && takes(row),
    checkin: (row) => rules.checkin(row) && takes(row),
    referral: (each) => rules.referral(each) && takes(each.after),
    recharge: (each) => rules.recharge(each) && takes(each.after),
    response: (each) => rules.response(each) && takes(each.after),
    registration: (each) => rules.registration(each) && takes(each.after),
    custom: (occurrence) => takes({ merchant_id: occurrence.merchantId }),
    voiding: (row) => rules.voiding(row) && merchants.has(row.merchant_id),
  };
}
