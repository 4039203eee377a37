import type { Row } from '../records/tables.js';
import { isoOfUs, localTimestampUs, timestampUs } from '../records/timestamps.js';
import { UnparsableValue, type ValueObserver } from '../records/values.js';
import { momentOfLocal } from '../records/zones.js';

/** When the guest acted. */
export interface ActTime {
  /** RFC 3339, milliseconds. */
  readonly iso: string;
  readonly ms: number;
  /** The till's clock was out of reason, and this is the posting time. */
  readonly clockSuspect: boolean;
}

const EARLIEST_BEFORE_US = 30 * 86_400 * 1_000_000;
const LATEST_AFTER_US = 5 * 60 * 1_000_000;

function actTime(us: number, column: string, clockSuspect: boolean): ActTime {
  const iso = isoOfUs(us);
  if (iso === null) throw new UnparsableValue(column);
  return { iso, ms: Math.floor(us / 1000), clockSuspect };
}

/** A header's events follow one another in most commits. */
let last: { readonly row: Row<'txn.transaction'>; readonly zone: string; readonly time: ActTime } | null =
  null;

/** A till's time, where it is credible against the posting time; otherwise that. @throws UnparsableValue */
export function transactionTime(row: Row<'txn.transaction'>, zone: string): ActTime {
  if (last?.row === row && last.zone === zone) return last.time;
  const time = judgedTime(row, zone);
  last = { row, zone, time };
  return time;
}

function judgedTime(row: Row<'txn.transaction'>, zone: string): ActTime {
  const postedUs = timestampUs(row.posted_at, 'txn.transaction.posted_at');
  const actedUs = tillUs(row, zone);
  if (actedUs === null) return actTime(postedUs, 'txn.transaction.posted_at', false);
  const credible = actedUs >= postedUs - EARLIEST_BEFORE_US && actedUs <= postedUs + LATEST_AFTER_US;
  return actTime(credible ? actedUs : postedUs, 'txn.transaction.posted_at', !credible);
}

/** Microseconds since 1970, null when the till gave no time. */
function tillUs(row: Row<'txn.transaction'>, zone: string): number | null {
  if (row.pos_transaction_at !== null) {
    return timestampUs(row.pos_transaction_at, 'txn.transaction.pos_transaction_at');
  }
  if (row.pos_local_datetime === null) return null;
  const localUs = localTimestampUs(row.pos_local_datetime, 'txn.transaction.pos_local_datetime');
  if (isoOfUs(localUs) === null) return localUs;
  const localMs = Math.floor(localUs / 1000);
  return momentOfLocal(zone, localMs) * 1000 + (localUs - localMs * 1000);
}

/** The server's own time of a row; the commit's where the row has none that can be written. @throws UnparsableValue */
export function serverTime(
  text: string | null,
  column: string,
  commitTimeUs: number,
  observer?: ValueObserver,
): ActTime {
  if (text !== null) {
    const us = timestampUs(text, column);
    const iso = isoOfUs(us);
    if (iso !== null) return { iso, ms: Math.floor(us / 1000), clockSuspect: false };
    observer?.notRepresentable(column);
  }
  return actTime(commitTimeUs, 'commit time', false);
}
