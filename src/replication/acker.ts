import { laterLsn, type Lsn } from '../postgres/lsn.js';

/** Stands for one open transaction; handed back when everything it implies is durable. */
export interface Ticket {
  readonly endLsn: Lsn;
}

interface Entry extends Ticket {
  settled: boolean;
}

/**
 * Decides which position may be confirmed to the server: the end of the last transaction such that it and every one
 * before it have settled. Confirming further would let the server forget rows that are nowhere else yet.
 *
 * Transactions are opened in commit order, those that yield no event too, and may settle in any order. A keepalive's
 * position counts only while nothing is under way: it lies past transactions the server has already sent.
 */
export class Acker {
  #floor: Lsn;
  #lastOpened: Lsn;
  /** Open entries in commit order; those before `#head` are settled and forgotten. */
  #entries: Entry[] = [];
  #head = 0;

  /** @param floor where the slot stands: nothing below it is ever confirmed. */
  constructor(floor: Lsn) {
    this.#floor = floor;
    this.#lastOpened = floor;
  }

  /** The position that may be confirmed, exactly as it is. Never goes back. */
  get floor(): Lsn {
    return this.#floor;
  }

  get openCount(): number {
    return this.#entries.length - this.#head;
  }

  /** Who holds the floor: the first transaction that has not settled. */
  get oldestOpen(): Ticket | null {
    return this.#entries[this.#head] ?? null;
  }

  /** @throws RangeError when transactions are not opened in commit order: the floor would mean nothing. */
  open(endLsn: Lsn): Ticket {
    // Equal is possible only for a transaction the server sends again from the very position it was confirmed at.
    if (endLsn < this.#lastOpened) throw new RangeError('transactions must be opened in commit order');
    this.#lastOpened = endLsn;
    const entry: Entry = { endLsn, settled: false };
    this.#entries.push(entry);
    return entry;
  }

  /** Settling twice, or a ticket of another acker, changes nothing. */
  settle(ticket: Ticket): Lsn {
    (ticket as Entry).settled = true;
    let head = this.#head;
    const entries = this.#entries;
    for (let entry = entries[head]; entry?.settled === true; entry = entries[head]) {
      this.#floor = laterLsn(this.#floor, entry.endLsn);
      head += 1;
    }
    // Shifting a long array on every settle is quadratic; cutting it when half is gone is not.
    if (head > 1_024 && head * 2 > entries.length) {
      this.#entries = entries.slice(head);
      head = 0;
    }
    this.#head = head;
    return this.#floor;
  }

  /**
   * Takes the position of a keepalive message.
   * @param busy whether a transaction is being received or derived that was not opened yet.
   * @returns whether the floor rose.
   */
  keepalive(lsn: Lsn, busy: boolean): boolean {
    if (busy || this.openCount > 0 || lsn <= this.#floor) return false;
    this.#floor = lsn;
    this.#lastOpened = laterLsn(this.#lastOpened, lsn);
    return true;
  }
}
