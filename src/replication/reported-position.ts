import { laterLsn, ZERO_LSN, type Lsn } from '../postgres/lsn.js';
import type { StandbyStatus } from './standby-status.js';

/**
 * The position that statuses carry. It starts where the slot stands, so that nothing lower (let alone zero) is ever
 * sent, rises only by `confirm`, and is sent at the end of the turn in which it rose: many confirmations, one status.
 */
export class ReportedPosition {
  readonly #send: (status: Omit<StandbyStatus, 'nowMs'>) => void;
  #confirmed: Lsn = ZERO_LSN;
  #received: Lsn = ZERO_LSN;
  #due = false;

  constructor(send: (status: Omit<StandbyStatus, 'nowMs'>) => void) {
    this.#send = send;
  }

  get confirmed(): Lsn {
    return this.#confirmed;
  }

  /** The end of everything received. */
  get received(): Lsn {
    return this.#received;
  }

  startAt(lsn: Lsn): void {
    this.#confirmed = lsn;
    this.#received = lsn;
  }

  receive(lsn: Lsn): void {
    this.#received = laterLsn(this.#received, lsn);
  }

  /** @throws RangeError for a position that was never received: the server would forget what nobody has seen. */
  confirm(lsn: Lsn): void {
    if (lsn <= this.#confirmed) return;
    if (lsn > this.#received) throw new RangeError('a position past everything received cannot be confirmed');
    this.#confirmed = lsn;
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      if (this.#due) this.send(false);
    });
  }

  /** Sends it now. */
  send(askReply: boolean): void {
    this.#due = false;
    this.#send({ received: this.#received, confirmed: this.#confirmed, askReply });
  }
}
