import type { EventSettings } from '../config/source.js';
import type { Facts } from '../enrichment/facts.js';
import type { Commit } from '../records/commit.js';
import type { ValueObserver } from '../records/values.js';

/** Told of what becomes of rows beside their calls. */
export interface DerivationObserver extends ValueObserver {
  /** A row would be this event of an account that there is no record of: nothing is sent. */
  noAccount?(source: string, event: string): void;
}

/** What the events of one commit are derived from, for one source. */
export interface Derivation {
  readonly commit: Commit;
  readonly facts: Facts;
  readonly settings: EventSettings;
  readonly observer?: DerivationObserver | undefined;
}

/** The row an event may come from: what a call about it is named and ordered by, whether or not it can be written. */
export interface Subject<R> {
  readonly row: R;
  /** Bare name of its table, for instance `survey_response`. */
  readonly table: string;
  readonly merchantId: string;
  readonly primaryKey: string;
  readonly accountId: string | null;
}
