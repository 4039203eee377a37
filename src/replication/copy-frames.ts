import type { EventEmitter } from 'node:events';

import { ConnectorError, toError } from '../errors/connector-error.js';

const XLOG_DATA = 0x77; // w
const KEEPALIVE = 0x6b; // k

/** Kind, where the data begin and end in the WAL, the server's clock. */
const XLOG_DATA_HEADER_BYTES = 25;
/** Kind, end of the WAL, the server's clock, whether a reply is asked for. */
const KEEPALIVE_BYTES = 18;

/**
 * Why a CopyData frame is none of a walsender's, null when it is one.
 * @see https://www.postgresql.org/docs/current/protocol-replication.html
 */
function flawOf(frame: Buffer): string | null {
  const kind: number | undefined = frame[0];
  if (kind === XLOG_DATA)
    return frame.length < XLOG_DATA_HEADER_BYTES ? 'WAL data without their header' : null;
  if (kind === KEEPALIVE) return frame.length === KEEPALIVE_BYTES ? null : 'a keepalive of another length';
  return 'an unknown frame';
}

/** What is used of an event emitter whose listeners are the library's. */
type Connection = Pick<EventEmitter, 'listeners' | 'removeAllListeners' | 'on'>;

/**
 * Puts a guard before the library's own reading of CopyData frames: it passes frames of an unknown kind over with a warning
 * (a row would be missing and nobody know), and reads at fixed offsets whatever the length, inside the socket's handler.
 * @param refused takes the error; nothing is read past it.
 */
export function guardCopyFrames(
  connection: Connection,
  options: { readonly expected: () => boolean; readonly refused: (error: ConnectorError) => void },
): void {
  const readers = connection.listeners('copyData');
  connection.removeAllListeners('copyData');
  let refused = false;
  connection.on('copyData', (message: { readonly chunk: Buffer }) => {
    if (refused) return;
    const flaw = options.expected() ? flawOf(message.chunk) : 'a frame before streaming was accepted';
    const refuse = (what: string, cause?: unknown): void => {
      refused = true;
      options.refused(new ConnectorError('WAL_DECODE', `not a replication stream: ${what}`, { cause }));
    };
    if (flaw !== null) {
      refuse(flaw);
      return;
    }
    try {
      for (const read of readers) read.call(connection, message);
    } catch (error) {
      refuse('a frame could not be read', toError(error));
    }
  });
}
