import type { Commit, Transition } from '../records/commit.js';
import type { CustomOccurrence } from '../records/custom-occurrence.js';
import type { Row } from '../records/tables.js';
import { isRegistrationCandidate } from './candidates.js';
import { customRank } from './custom-rank.js';
import type { Subject } from './subject.js';
import { compareRank } from './event.js';

/** The rows of a commit that events may come from, by primary key. */
export interface Subjects {
  readonly customs: readonly Subject<CustomOccurrence>[];
  readonly registrations: readonly Subject<Transition<'loyalty.account'>>[];
  readonly checkins: readonly Subject<Row<'loyalty.checkin'>>[];
  readonly transactions: readonly Subject<Row<'txn.transaction'>>[];
  readonly recharges: readonly Subject<Transition<'txn.recharge'>>[];
  readonly referrals: readonly Subject<Transition<'loyalty.referral'>>[];
  readonly responses: readonly Subject<Transition<'survey.response'>>[];
}

const NONE: readonly never[] = [];

export function subjectsOf(commit: Commit): Subjects {
  return {
    customs: customsOf(commit.customs),
    registrations: subjects(commit.accounts, 'account', (row) =>
      isRegistrationCandidate(row) ? owner(row.after, row.after?.account_id) : null,
    ),
    checkins: subjects(commit.checkins, 'checkin', (row) => owner(row, row.account_id)),
    transactions: subjects(commit.transactions, 'transaction', (row) => owner(row, row.account_id)),
    recharges: subjects(commit.recharges, 'recharge', ({ after }) => owner(after, after?.account_id)),
    referrals: subjects(commit.referrals, 'referral', ({ after }) =>
      owner(after, after?.referrer_account_id),
    ),
    responses: subjects(commit.responses, 'survey_response', ({ after }) => owner(after, after?.account_id)),
  };
}

/** In the order in which they are declared, those of one event by primary key. */
function customsOf(occurrences: Commit['customs']): readonly Subject<CustomOccurrence>[] {
  if (occurrences.size === 0) return NONE;
  const found = [...occurrences.values()].map((row) => {
    const { table, primaryKey, merchantId, accountId } = row;
    return { row, table, primaryKey, merchantId, accountId };
  });
  return found.sort((a, b) => compareRank(customRank(a.row), customRank(b.row)));
}

interface Owner {
  readonly merchantId: string;
  readonly accountId: string | null;
}

function owner(
  row: { readonly merchant_id: string } | null,
  accountId: string | null | undefined,
): Owner | null {
  return row === null ? null : { merchantId: row.merchant_id, accountId: accountId ?? null };
}

function subjects<R>(
  rows: ReadonlyMap<string, R>,
  table: string,
  ownerOf: (row: R) => Owner | null,
): readonly Subject<R>[] {
  if (rows.size === 0) return NONE;
  const found: Subject<R>[] = [];
  for (const [primaryKey, row] of rows) {
    const whose = ownerOf(row);
    if (whose === null) continue;
    found.push({ row, table, primaryKey, merchantId: whose.merchantId, accountId: whose.accountId });
  }
  if (found.length < 2) return found;
  return found.sort((a, b) => compareRank(rankOf(a), rankOf(b)));
}

function rankOf(subject: Subject<unknown>): { kind: number; key: string; part: 0 } {
  return { kind: 0, key: subject.primaryKey, part: 0 };
}
