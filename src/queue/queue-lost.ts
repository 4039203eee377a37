import { ConnectorError } from '../errors/connector-error.js';

/** The gap as far as the lane knows it: from what Redis still holds to what it had confirmed. */
export function queueLost(
  source: string,
  lane: number | string,
  held: { readonly seq: number; readonly mark: string | null },
  confirmed: { readonly seq: number; readonly mark: string | null },
): ConnectorError {
  const position = (mark: string | null): string | null => (mark ?? '').split('|')[0] || null;
  return new ConnectorError('QUEUE_LOST', `redis lost jobs of lane ${source}/${lane}`, {
    facts: {
      source,
      lane,
      heldSeq: held.seq,
      confirmedSeq: confirmed.seq,
      from: position(held.mark),
      to: position(confirmed.mark),
    },
  });
}
