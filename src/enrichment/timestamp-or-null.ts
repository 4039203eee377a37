import { timestampUs } from '../records/timestamps.js';
import { UnparsableValue } from '../records/values.js';

/**
 * Microseconds since 1970 of a timestamptz text; null for null and for what is no time. Comparing times decides which
 * look-up to believe, and a value that cannot be read must not stop the stream there: the event that shows it fails.
 */
export function timestampOrNull(text: string | null): number | null {
  if (text === null) return null;
  try {
    return timestampUs(text, 'timestamp');
  } catch (error) {
    if (error instanceof UnparsableValue) return null;
    throw error;
  }
}
