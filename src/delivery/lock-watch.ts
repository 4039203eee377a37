import type { Worker } from 'bullmq';

/**
 * Knows whether the lock of the job in hand is still held. It counts as lost when Redis says so, and also when it was not
 * renewed for its whole duration: a worker cut off from Redis must stop sending before another one starts.
 */
export class LockWatch implements Disposable {
  readonly #worker: Worker;
  readonly #jobId: string;
  readonly #durationMs: number;
  readonly #lost = new AbortController();
  #timer: NodeJS.Timeout;

  constructor(worker: Worker, jobId: string, durationMs: number) {
    this.#worker = worker;
    this.#jobId = jobId;
    this.#durationMs = durationMs;
    this.#timer = this.#arm();
    worker.on('locksRenewed', this.#onRenewed);
    worker.on('lockRenewalFailed', this.#onFailed);
  }

  /** Aborts when the lock is lost. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#worker.off('locksRenewed', this.#onRenewed);
    this.#worker.off('lockRenewalFailed', this.#onFailed);
  }

  readonly #onRenewed = ({ jobIds }: { jobIds: string[] }): void => {
    if (!jobIds.includes(this.#jobId)) return;
    clearTimeout(this.#timer);
    this.#timer = this.#arm();
  };

  readonly #onFailed = (jobIds: string[]): void => {
    if (jobIds.includes(this.#jobId)) this.#lost.abort();
  };

  #arm(): NodeJS.Timeout {
    return setTimeout(() => this.#lost.abort(), this.#durationMs);
  }
}
