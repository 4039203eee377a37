import type { Store, Template } from './brand.js';
import type { Person } from './person.js';

/** One account as the brand's tills and apps know it. Its events happen one after another, as they do to a person. */
export class Member {
  readonly accountId: string;
  readonly merchantId: number;
  readonly template: Template;
  readonly homeStore: Store;
  readonly kind: 'GUEST' | 'EMPLOYEE' | 'TEST';
  cardId: string;
  /** Null until a guest is attached. */
  person: Person | null;
  /** Terminated, merged away or anonymised: acts leave it alone but for the ones that show that nothing is sent. */
  closed = false;
  /** Balances as the till last saw them, by wallet code: what the member can spend. */
  readonly balances = new Map<number, number>();
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(fields: {
    accountId: string;
    merchantId: number;
    template: Template;
    homeStore: Store;
    kind?: 'GUEST' | 'EMPLOYEE' | 'TEST';
    cardId: string;
    person: Person | null;
  }) {
    this.accountId = fields.accountId;
    this.merchantId = fields.merchantId;
    this.template = fields.template;
    this.homeStore = fields.homeStore;
    this.kind = fields.kind ?? 'GUEST';
    this.cardId = fields.cardId;
    this.person = fields.person;
  }

  inHand(walletCode: number): number {
    return this.balances.get(walletCode) ?? 0;
  }

  get busy(): boolean {
    return this.#waiting > 0;
  }

  /**
   * Runs `work` when everything begun before on this account has ended. Commits of one account thus never overlap, so
   * their order is the order of their commit times, which is what the order of events is checked against.
   */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const turn = this.#tail.then(work);
    // The next in line goes on whatever became of this one; its caller sees the failure.
    this.#tail = turn.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await turn;
    } finally {
      this.#waiting -= 1;
    }
  }
}

/** Both accounts at once; always locked in the same order, so two acts cannot wait for each other. */
export async function bothExclusively<T>(one: Member, other: Member, work: () => Promise<T>): Promise<T> {
  const [first, second] = BigInt(one.accountId) < BigInt(other.accountId) ? [one, other] : [other, one];
  return first.exclusively(() => second.exclusively(work));
}
