import { GuestSetBuilder, type GuestSet } from '../../src/suppression/guest-set.js';

export function setOf(...guestIds: string[]): GuestSet {
  const builder = new GuestSetBuilder();
  for (const guestId of guestIds) builder.add(guestId);
  return builder.build();
}
