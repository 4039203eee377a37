/** Those that a mistyped name is compared with; `isZone` knows their aliases too. */
export const ZONES: readonly string[] = Intl.supportedValuesOf('timeZone');

/**
 * Whether a text names an IANA time zone. Offsets such as `+05:00` are none: PostgreSQL reads them with the opposite
 * sign, and they know no summer.
 */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
