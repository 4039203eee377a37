import type pg from 'pg';
import { MAIN_MERCHANT } from '../../src/demo/simulator/brand.js';

const FIRST_ID = 40_000_000_000n;

interface Programme {
  readonly template: number;
  readonly wallet: number;
  readonly store: string;
}

/** A guest with an account of the strike's own, so that no other commit overlaps with its. */
export interface Patron {
  readonly id: string;
  /** The statements of a purchase, for an open transaction. `posAt`: SQL of the till's own time. */
  purchase(client: pg.ClientBase, posAt?: string): Promise<void>;
  /** One statement: a purchase that moved no balance, posted at this SQL of a timestamptz. Each is another. */
  visitSql(postedAt: string): string;
}

/** Guests of the simulated brand that the faults write for themselves, in shapes of commit that the brand does not use. */
export class Patrons {
  readonly #pool: pg.Pool;
  #programme: Programme | null = null;
  #last = FIRST_ID;
  /** Accounts with visits, which are posted at another time than they are committed. */
  readonly visitors = new Set<string>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Registered in a commit of its own. */
  async enrol(): Promise<Patron> {
    const programme = (this.#programme ??= await this.#read());
    const id = String((this.#last += 1n));
    await this.#inTransaction(async (client) => {
      await client.query(
        `INSERT INTO loyalty.guest (user_id, merchant_id, first_name, last_name) VALUES ($1, $2, 'Pat', 'Ron')`,
        [id, MAIN_MERCHANT],
      );
      await client.query(
        `INSERT INTO loyalty.account (account_id, merchant_id, user_id, card_template_code, account_status, registered_at, registration_source)
         VALUES ($1, $2, $1, $3, 'ACTIVE', now(), 'MOBILE_APP')`,
        [id, MAIN_MERCHANT, programme.template],
      );
      await client.query(
        `INSERT INTO loyalty.card (card_id, merchant_id, account_id, printed_card_number, masked_card_number, medium, status, is_primary)
         VALUES ($1, $2, $1, $3, 'x', 'VIRTUAL', 'ACTIVE', true)`,
        [id, MAIN_MERCHANT, `9${id.padStart(15, '0')}`],
      );
      await client.query(
        `INSERT INTO loyalty.account_wallet (account_id, wallet_code, merchant_id)
         SELECT $1, wallet_code, merchant_id FROM loyalty.wallet_definition WHERE merchant_id = $2`,
        [id, MAIN_MERCHANT],
      );
    });
    return {
      id,
      purchase: async (client, posAt = 'now()') => this.#purchase(client, programme, id, posAt),
      visitSql: (postedAt) => {
        const transaction = String((this.#last += 1n));
        this.visitors.add(id);
        return `INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, card_id, store_id, transaction_type, result, origin, pos_transaction_id, pos_transaction_at, posted_at)
          VALUES (${transaction}, ${MAIN_MERCHANT}, ${id}, ${id}, ${programme.store}, 'ADD_REDEEM', 'AUTHORIZED', 'POS', '${transaction}', now(), ${postedAt})`;
      },
    };
  }

  async #purchase(
    client: pg.ClientBase,
    programme: Programme,
    account: string,
    posAt: string,
  ): Promise<void> {
    const transaction = String((this.#last += 1n));
    await client.query(
      `INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, card_id, store_id, transaction_type, result, origin, pos_transaction_id, pos_transaction_at)
       VALUES ($1, $2, $3, $3, $4, 'ADD_REDEEM', 'AUTHORIZED', 'POS', $5, ${posAt})`,
      [transaction, MAIN_MERCHANT, account, programme.store, transaction],
    );
    await client.query(
      `UPDATE loyalty.account_wallet SET balance = balance + 7, last_transaction_id = $1, updated_at = now()
       WHERE account_id = $2 AND wallet_code = $3`,
      [transaction, account, programme.wallet],
    );
    await client.query(
      `INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after)
       SELECT now(), $1, 1, $2, $3, $4, 'ACCRUED', 7, balance FROM loyalty.account_wallet WHERE account_id = $3 AND wallet_code = $4`,
      [transaction, MAIN_MERCHANT, account, programme.wallet],
    );
  }

  async #read(): Promise<Programme> {
    const { rows } = await this.#pool.query<Programme>(
      `SELECT (SELECT card_template_code FROM loyalty.card_template WHERE merchant_id = $1 AND program_kind = 'LOYALTY' LIMIT 1) AS template,
        (SELECT wallet_code FROM loyalty.wallet_definition WHERE merchant_id = $1 AND wallet_type = 'POINT' AND value_kind = 'POINTS' LIMIT 1) AS wallet,
        (SELECT store_id::text FROM loyalty.store WHERE merchant_id = $1 AND store_kind = 'RETAIL' LIMIT 1) AS store`,
      [MAIN_MERCHANT],
    );
    const [programme] = rows;
    if (programme === undefined) throw new RangeError('the brand has no programme');
    return programme;
  }

  async #inTransaction(work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
    const client = await this.#pool.connect();
    let broken = true;
    try {
      await client.query('BEGIN');
      await work(client);
      await client.query('COMMIT');
      broken = false;
    } finally {
      client.release(broken);
    }
  }
}
