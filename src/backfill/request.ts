import { EVENT_NAMES, type EventName } from '../events/event.js';

/** What a backfill is to send, as it was asked for: the same request goes on with the same run. */
export interface BackfillRequest {
  /** Empty with `identify`: profiles alone. */
  readonly events: readonly EventName[];
  /** Custom events by name, of those whose tables can tell of them. */
  readonly custom: readonly string[];
  readonly identify: boolean;
  /** As written: `2h` of an interrupted run is the moment it meant then. Null: from the beginning. */
  readonly since: string | null;
  /** Null: up to the moment the run began. */
  readonly until: string | null;
  readonly merchantId: string | null;
  /**
   * Rows too whose time is the commit of their last version, of tables that are updated: each comes with the time of its
   * update, under the message id it had before. Default false.
   */
  readonly updatedRows?: boolean;
}

/** Microseconds since 1970 of the rows' own time. */
export interface BackfillSpan {
  /** Inclusive; null: from the beginning. */
  readonly sinceUs: number | null;
  /** Exclusive. */
  readonly untilUs: number;
  /**
   * A stream has what was committed since, so of the rows after that moment only those are read whose time is ahead of
   * the server's clock: they may have been committed before. Default: all rows are read.
   */
  readonly streamedFromUs?: number | null;
}

/** The same text for the same request, whatever the order of its events. */
export function requestText(request: BackfillRequest): string {
  const { identify, since, until, merchantId } = request;
  const events = EVENT_NAMES.filter((name) => request.events.includes(name));
  const custom = request.custom.toSorted();
  // As earlier releases wrote it without: a run of theirs is gone on with.
  const named = custom.length === 0 ? {} : { custom };
  const moved = request.updatedRows === true ? { updatedRows: true } : {};
  return JSON.stringify({ events, ...named, identify, since, until, merchantId, ...moved });
}
