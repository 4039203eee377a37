import type { ChangeOf } from '../changes/transaction.js';
import type { Row } from '../records/tables.js';
import type { Lookups } from './lookups.js';
import { filled } from './merchant-data.js';
import type { Needs } from './needs.js';
import { Recent } from './recent.js';

/** Checks and what each card paid of them: mostly known from the stream, since a till writes them just before the header. */
export class CheckData {
  readonly #checks = new Recent<Row<'txn.pos_check'>>();
  readonly #cards = new Recent<Map<string, Row<'txn.check_card'>>>();

  has(checkId: string): boolean {
    return this.#checks.has(checkId) || this.#cards.has(checkId);
  }

  async fetch(needs: Needs, lookups: Lookups): Promise<void> {
    const checks = [...needs.checks].filter((id) => !this.#checks.touch(id));
    const cards = [...needs.checks].filter((id) => !this.#cards.touch(id));
    const [checkRows, cardRows] = await Promise.all([
      checks.length === 0 ? [] : lookups.checks(checks),
      cards.length === 0 ? [] : lookups.checkCards(cards),
    ]);
    for (const row of checkRows) this.#checks.set(row.check_id, row);
    for (const id of cards) this.#cards.set(id, new Map());
    for (const row of cardRows) this.#cards.get(row.check_id)?.set(row.card_id, row);
  }

  applyCheck(change: ChangeOf<'txn.pos_check'>): void {
    if (change.row === null) {
      this.#checks.delete(change.old.check_id as string);
      return;
    }
    const id = change.row.check_id as string;
    const known = this.#checks.get(id) ?? null;
    if (change.op === 'insert' || known !== null) this.#checks.set(id, filled(change.row, known));
    // A check made in this stream has no cards but those the stream gives.
    if (change.op === 'insert') this.#cards.set(id, new Map());
  }

  applyCard(change: ChangeOf<'txn.check_card'>): void {
    const { check_id: checkId, card_id: cardId } = (change.row ?? change.old) as Row<'txn.check_card'>;
    const cards = this.#cards.get(checkId);
    if (change.row === null) cards?.delete(cardId);
    else cards?.set(cardId, filled(change.row, cards.get(cardId) ?? null));
  }

  check(checkId: string): Row<'txn.pos_check'> | null {
    return this.#checks.get(checkId) ?? null;
  }

  checkCard(checkId: string, cardId: string): Row<'txn.check_card'> | null {
    return this.#cards.get(checkId)?.get(cardId) ?? null;
  }

  trim(max: number): void {
    this.#checks.trim(max);
    this.#cards.trim(max);
  }
}
