import type { Transaction } from '../changes/transaction.js';
import type { EventSettings } from '../config/source.js';
import type { Directory } from '../enrichment/directory.js';
import type { Facts } from '../enrichment/facts.js';
import type { Derived } from '../events/event.js';
import { failpoint } from '../lifecycle/failpoint.js';
import type { Translation } from '../mapping/translation.js';
import type { EventSink } from '../queue/sink.js';
import { gather, type CandidateRules, type GatheredCommit } from '../records/gather.js';
import { slices } from '../records/slices.js';
import type { Commit } from '../records/commit.js';

export interface DerivationOptions {
  readonly directory: Directory;
  readonly rules: CandidateRules;
  readonly sources: readonly EventSettings[];
  readonly derive: (input: { commit: Commit; facts: Facts; settings: EventSettings }) => Iterable<Derived>;
  readonly sink: EventSink;
  /** Makes it durable that nothing more of these guests may be sent; awaited before anything after it is offered. */
  readonly suppress: (guestIds: readonly string[]) => Promise<void>;
  /** Runs a step that needs the database, again with backoff while it cannot be reached. */
  readonly withDatabase: <T>(step: () => Promise<T>) => Promise<T>;
  /** Rows whose look-ups share a round trip. Default 5,000; a larger transaction goes alone, in slices. */
  readonly batchRows?: number;
  readonly translation: Translation;
}

/** Called once per transaction, when everything it implies is in Redis. */
export type TransactionSettled = (transaction: Transaction) => void;

/**
 * From committed transactions to offered events: gathers the rows, has the directory read what it must, and lets each
 * source derive its events from the state at that commit, in commit order.
 */
export class Derivation {
  readonly #options: DerivationOptions;
  readonly #batchRows: number;

  constructor(options: DerivationOptions) {
    this.#options = options;
    this.#batchRows = options.batchRows ?? 5_000;
  }

  /** Resolves when all was offered (not yet settled). Transactions are released as they are used up. */
  async derive(transactions: readonly Transaction[], settled: TransactionSettled): Promise<void> {
    let batch: Transaction[] = [];
    let rows = 0;
    for (const transaction of transactions) {
      if (rows + transaction.rowCount > this.#batchRows && batch.length > 0) {
        await this.#deriveBatch(batch, settled);
        batch = [];
        rows = 0;
      }
      if (transaction.rowCount > this.#batchRows) {
        await this.#deriveHuge(transaction, settled);
      } else {
        batch.push(transaction);
        rows += transaction.rowCount;
      }
    }
    if (batch.length > 0) await this.#deriveBatch(batch, settled);
  }

  async #deriveBatch(transactions: readonly Transaction[], settled: TransactionSettled): Promise<void> {
    const { directory, rules, withDatabase, translation } = this.#options;
    const commits: GatheredCommit[] = [];
    await withDatabase(() => translation.prepare(transactions));
    for (const transaction of transactions) {
      commits.push(await gather(translation.canonical(transaction), rules));
      transaction.release();
    }
    directory.forget(translation.takeStale());
    await withDatabase(() => directory.prefetch(commits));
    failpoint('rows-looked-up');
    for (const [index, commit] of commits.entries()) {
      const transaction = transactions[index] as Transaction;
      await this.#offer(transaction, commit, 0, () => settled(transaction));
    }
    directory.trim();
    translation.trim();
  }

  async #deriveHuge(transaction: Transaction, settled: TransactionSettled): Promise<void> {
    const { directory, rules, withDatabase, translation } = this.#options;
    await withDatabase(() => translation.prepare([transaction]));
    // One more than the slices offered so far, until the last one is known: the transaction settles with its last slice.
    let open = 1;
    const settleOne = (): void => {
      open -= 1;
      if (open === 0) settled(transaction);
    };
    let slice = 0;
    for await (const commit of slices(translation.canonical(transaction), {
      rules,
      known: directory.interest,
      wholeRows: this.#batchRows,
    })) {
      directory.forget(translation.takeStale());
      await withDatabase(() => directory.prefetch([commit]));
      open += 1;
      await this.#offer(transaction, commit, slice, settleOne);
      directory.trim();
      slice += 1;
    }
    transaction.release();
    translation.trim();
    settleOne();
  }

  async #offer(
    transaction: Transaction,
    commit: GatheredCommit,
    slice: number,
    settled: () => void,
  ): Promise<void> {
    const { directory, rules, sources, derive, sink, suppress } = this.#options;
    const removedGuests = directory.apply(commit);
    if (removedGuests.length > 0) await suppress(removedGuests);
    if (!hasCandidates(commit, rules)) {
      settled();
      return;
    }
    let open = sources.length;
    const settleOne = (): void => {
      open -= 1;
      if (open === 0) settled();
    };
    for (const settings of sources) {
      // The sink takes every call before `offer` resolves, so each is derived from the directory as it stands now.
      await sink.offer({
        source: settings.name,
        endLsn: transaction.endLsn,
        slice,
        commitTimeUs: transaction.commitTimeUs,
        receivedAtMs: transaction.receivedAtMs,
        calls: derive({ commit, facts: directory, settings }),
        settled: settleOne,
      });
    }
    failpoint('events-derived');
  }
}

/** Most commits of a busy database imply nothing: they settle without troubling the sink. */
function hasCandidates(commit: GatheredCommit, rules: CandidateRules): boolean {
  return (
    commit.transactions.size > 0 ||
    commit.checkins.size > 0 ||
    commit.referrals.size > 0 ||
    commit.recharges.size > 0 ||
    commit.responses.size > 0 ||
    commit.customs.size > 0 ||
    [...commit.accounts.values()].some((transition) => rules.registration(transition))
  );
}
