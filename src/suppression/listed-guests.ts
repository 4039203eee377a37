import type { GuestSet } from './guest-set.js';

/** The guests that this process itself knows to be listed. */
export interface ListedGuests {
  /** Null: not read yet. Until then nothing may be queued. */
  readonly guests: GuestSet | null;
}

/** Whether nothing may be sent of the guest of a call, as far as the list goes. @param listed absent: there is no list */
export function isListed(listed: ListedGuests | undefined, guestId: string | null): boolean {
  if (listed === undefined || guestId === null) return false;
  if (listed.guests === null) throw new RangeError('the suppression list was not read yet');
  return listed.guests.has(guestId);
}
