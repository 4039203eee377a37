import type { Transaction } from '../changes/transaction.js';
import type { Lsn } from '../postgres/lsn.js';
import { EitherSignal } from '../lifecycle/either-signal.js';
import { WalStream, type WalStreamOptions } from '../replication/wal-stream.js';
import { windowMoved } from './window.js';

export interface ReadCopyOptions {
  readonly stream: Omit<WalStreamOptions, 'temporaryCopy' | 'observer'>;
  /** The first commit given begins at or after it. */
  readonly from: Lsn;
  /** The last commit given ends at or before it. */
  readonly to: Lsn;
  readonly signal: AbortSignal;
}

/**
 * The commits between two positions, from a temporary copy of a slot, in gulps; ends when all were given or the signal
 * aborts. Each must be released before the next gulp is asked for. However it ends, the copy is gone.
 * @throws ConnectorError REPLAY_WINDOW when the slot has moved past `from`; as `WalStream` does
 */
export async function* readCopy(options: ReadCopyOptions): AsyncGenerator<readonly Transaction[]> {
  const { from, to, signal } = options;
  if (from >= to || signal.aborted) return;
  let sentUpTo = from;
  const over = new AbortController();
  const stream = new WalStream({
    ...options.stream,
    temporaryCopy: { from },
    observer: {
      onKeepalive: (walEnd) => {
        sentUpTo = walEnd;
        if (atEnd()) over.abort();
      },
    },
  });
  // A keepalive says that all commits up to its position were sent before it.
  const atEnd = (): boolean => sentUpTo >= to && !stream.assembling;
  using either = new EitherSignal(signal, over.signal);
  const ended = aborted(either.signal);
  try {
    const started = stream.start();
    started.catch(() => undefined);
    await Promise.race([started, ended]);
    if (signal.aborted) return;
    // Started from before its position, a slot streams from its position without a word.
    if (stream.confirmed > from) throw windowMoved(from, stream.confirmed);
    while (!signal.aborted && !atEnd()) {
      const next = stream.next();
      next.catch(() => undefined);
      const gulp = await Promise.race([next, ended]);
      if (gulp === null || gulp.length === 0) return;
      const within = gulp.filter((transaction) => transaction.endLsn <= to);
      for (const beyond of gulp.slice(within.length)) beyond.release();
      const last = within.at(-1);
      if (last !== undefined) {
        yield within;
        stream.confirm(last.endLsn);
      }
      if (within.length < gulp.length) return;
    }
  } finally {
    await stream.stop();
  }
}

async function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}
