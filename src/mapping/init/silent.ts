import type { ProposedFeed, Unplaced } from './proposal.js';

/** Events that one record gives. */
const EVENT_RECORDS = [
  ['POS Activity', 'transaction'],
  ['Add/Redeem', 'wallet_entry'],
  ['Recharge Value', 'recharge'],
  ['Check-In', 'check_in'],
  ['Referral', 'referral'],
  ['Survey Completion', 'survey_response'],
] as const;

/** Which of the nine events a mapping sends none of, and why. */
export function silentEvents(feeds: readonly ProposedFeed[]): Unplaced[] {
  const active = feeds.filter(({ offered }) => !offered);
  const gives = (record: string, column: string): boolean =>
    active.some(
      (feed) => feed.record === record && feed.lines.some((line) => line.column === column && !line.offered),
    );
  const silent = EVENT_RECORDS.filter(([, record]) => !active.some((feed) => feed.record === record)).map(
    ([event, record]): Unplaced => ({ what: event, why: `nothing gives the record ${record}` }),
  );
  silent.push({
    what: 'Identify Customer',
    why: 'no transaction has the transaction_type IDENTIFY_CUSTOMER',
  });
  if (!gives('account', 'registered_at')) {
    silent.push({ what: 'Loyalty Registration', why: 'no account has registered_at' });
  }
  if (!gives('account', 'registration_source')) {
    silent.push({ what: 'Web Registration', why: 'no account has the registration_source GUEST_WEBSITE' });
  }
  return silent;
}
