/** What a guest's status must be for everything about them to end, for good. */
export const FORGOTTEN_STATUSES = ['DELETED', 'ANONYMIZED'] as const;

/**
 * Whether the guest is to be forgotten. Only these two words say so: from it there is no way back, and a word that nobody
 * knows (a code that a mapping does not list) may be mended. Such a guest is not spoken of meanwhile.
 */
export function isForgotten(status: string | null | undefined): boolean {
  return FORGOTTEN_STATUSES.some((each) => each === status);
}
