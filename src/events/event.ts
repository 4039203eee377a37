import { compareKeys } from '../records/compare-keys.js';

declare const messageIdBrand: unique symbol;
/** Stable id of an event over restart, replay, failover and backfill; under 100 characters. */
export type MessageId = string & { readonly [messageIdBrand]: true };

/** The nine catalogued events, in the order they are sent within one commit. */
export const EVENT_NAMES = [
  'Loyalty Registration',
  'Web Registration',
  'Check-In',
  'Identify Customer',
  'POS Activity',
  'Add/Redeem',
  'Recharge Value',
  'Referral',
  'Survey Completion',
] as const;
export type EventName = (typeof EVENT_NAMES)[number];

/** What a call is counted as in metrics and logs: an event's name, Segment's identify call, or any event of the user's own. */
export type CallName = EventName | 'identify' | 'custom';

/**
 * Where a call stands within its commit: by kind (index in EVENT_NAMES), then primary key, then part (an identify, 0,
 * goes just before its track call, 1). Total and stable, so it can be compared across restarts.
 */
export interface Rank {
  readonly kind: number;
  /** Primary key. */
  readonly key: string;
  readonly part: 0 | 1;
}

/** Negative, zero or positive as `a` is sent before, is, or is sent after `b`. */
export function compareRank(a: Rank, b: Rank): number {
  if (a.kind !== b.kind) return a.kind - b.kind;
  if (a.key !== b.key) return compareKeys(a.key, b.key);
  return a.part - b.part;
}

interface Call {
  readonly name: CallName;
  readonly messageId: MessageId;
  /**
   * `<merchant_id>:<account_id>`, or `<merchant_id>:<table>:<primary key>` where there is no account. Events of one
   * key share a lane and keep their order.
   */
  readonly accountKey: string;
  /** The registered guest's user_id, null for an unregistered card: suppression goes by it. */
  readonly guestId: string | null;
  readonly rank: Rank;
  /** One line of JSON: a complete Segment track or identify call without sentAt. */
  readonly json: string;
}

/** A call that passed its JSON Schema and Segment's limits, ready to be queued. */
export interface DerivedEvent extends Call {
  readonly tag: 'event';
}

/** A call that must not be sent as it is: it goes to the dead letters with the reason. Nothing is lost silently. */
export interface RejectedEvent extends Call {
  readonly tag: 'rejected';
  readonly reason: 'schema' | 'too_large' | 'unparsable_value' | 'message_id';
  /** What is wrong: property paths and rules, never values. */
  readonly detail: string;
}

export type Derived = DerivedEvent | RejectedEvent;
