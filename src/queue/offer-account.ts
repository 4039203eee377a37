/** What was offered and is not in Redis yet: bytes buffered, transactions unsettled, and who waits for either. */
export class OfferAccount {
  readonly #limitBytes: number;
  /** Throws what keeps anything from ever settling. */
  readonly #throwIfOver: () => void;
  #buffered = 0;
  #unsettled = 0;
  #waiters: (() => void)[] = [];

  constructor(limitBytes: number, throwIfOver: () => void) {
    this.#limitBytes = limitBytes;
    this.#throwIfOver = throwIfOver;
  }

  get isFull(): boolean {
    return this.#buffered > this.#limitBytes;
  }

  opened(): void {
    this.#unsettled += 1;
  }

  settled(): void {
    this.#unsettled -= 1;
    if (this.#unsettled === 0) this.wake();
  }

  buffered(bytes: number): void {
    this.#buffered += bytes;
  }

  released(bytes: number): void {
    this.#buffered -= bytes;
    if (!this.isFull) this.wake();
  }

  /** From now on another account counts the bytes that are still buffered. */
  handOver(to: OfferAccount): void {
    to.buffered(this.#buffered);
    this.released(this.#buffered);
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    await this.#until(() => !this.isFull);
    this.#throwIfOver();
  }

  /** Resolves when everything has settled. */
  async empty(): Promise<void> {
    await this.#until(() => this.#unsettled === 0);
  }

  /** Lets everybody who waits look again. */
  wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      this.#throwIfOver();
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }
}
