import type { AccountFacts } from '../enrichment/facts.js';
import type { Row } from '../records/tables.js';
import type { Derivation, Subject } from './subject.js';
import type { EventName } from './event.js';
import { accountAdmits, merchantAdmits, sourceTakes, storeAdmits } from './gate.js';
import { zoneFor } from './zone-for.js';
import { transactionTime, type ActTime } from './timestamp.js';

/** Who and where, once the gate has let them through. */
export interface Scene {
  readonly merchant: Row<'loyalty.merchant'>;
  readonly account: AccountFacts;
  readonly store: Row<'loyalty.store'> | null;
  readonly zone: string;
}

/** As a Scene, of a row that may be without an account. */
export interface OpenScene extends Omit<Scene, 'account'> {
  readonly account: AccountFacts | null;
}

/** Null when the source, the merchant, the store or the account is not to be spoken of, or the account is not known. */
export function sceneOf(
  event: EventName,
  subject: Subject<unknown>,
  store: Row<'loyalty.store'> | null,
  derivation: Derivation,
): Scene | null {
  if (subject.accountId === null || !sourceTakes(derivation.settings, event, subject.merchantId)) return null;
  const account = derivation.facts.account(subject.accountId);
  if (account === null) derivation.observer?.noAccount?.(derivation.settings.name, event);
  if (!accountAdmits(account)) return null;
  const place = placeOf(subject.merchantId, store, derivation);
  return place === null ? null : withAccount(place, account);
}

/** As `sceneOf`; a row without an account passes with none. */
export function openSceneOf(
  event: EventName,
  subject: Subject<unknown>,
  store: Row<'loyalty.store'> | null,
  derivation: Derivation,
): OpenScene | null {
  if (subject.accountId !== null) return sceneOf(event, subject, store, derivation);
  if (!sourceTakes(derivation.settings, event, subject.merchantId)) return null;
  const place = placeOf(subject.merchantId, store, derivation);
  return place === null ? null : withAccount(place, null);
}

function withAccount<A>({ merchant, store, zone }: Omit<Scene, 'account'>, account: A) {
  return { merchant, account, store, zone };
}

function placeOf(
  merchantId: string,
  store: Row<'loyalty.store'> | null,
  { facts }: Derivation,
): Omit<Scene, 'account'> | null {
  const merchant = facts.merchant(merchantId);
  if (!merchantAdmits(merchant) || !storeAdmits(store)) return null;
  return { merchant, store, zone: zoneFor(store, merchant) };
}

/** What the three events of a ledger header share. */
export interface TransactionScene {
  readonly scene: Scene;
  readonly check: Row<'txn.pos_check'> | null;
  readonly time: ActTime;
}

/** @throws UnparsableValue */
export function transactionSceneOf(
  event: EventName,
  subject: Subject<Row<'txn.transaction'>>,
  derivation: Derivation,
): TransactionScene | null {
  const { row } = subject;
  const { facts, commit } = derivation;
  if (commit.voidedTransactionIds.has(row.transaction_id)) return null;
  const store = row.store_id === null ? null : facts.store(row.store_id);
  const scene = sceneOf(event, subject, store, derivation);
  if (scene === null) return null;
  return {
    scene,
    check: row.check_id === null ? null : facts.check(row.check_id),
    time: transactionTime(row, scene.zone),
  };
}

/** Says so, and only then, of a till whose time was out of reason. */
export function withClockNote<P extends object>(
  properties: P,
  time: ActTime,
): P & { readonly clock_suspect?: true } {
  return time.clockSuspect ? { ...properties, clock_suspect: true } : properties;
}
