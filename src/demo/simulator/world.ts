import type { Clock } from '../../lifecycle/clock.js';
import type { Store } from './brand.js';
import type { Ids } from './ids.js';
import type { Posted } from './ledger.js';
import type { Member } from './member.js';
import type { Random } from './random.js';
import type { Writer } from './writer.js';

/** What the brand knows: its members and the counters its tills and tables count up. */
export class World {
  readonly ids: Ids;
  readonly members: Member[] = [];
  #checkNumber = 4_500;

  constructor(ids: Ids) {
    this.ids = ids;
  }

  nextCheckNumber(): string {
    this.#checkNumber += 1;
    return String(this.#checkNumber);
  }

  /** A member who has nothing going on, or null when there is none such. */
  someone(random: Random, wanted: (member: Member) => boolean): Member | null {
    const suits = (member: Member): boolean => !member.busy && wanted(member);
    for (let attempt = 0; attempt < RANDOM_ATTEMPTS && this.members.length > 0; attempt += 1) {
      const member = random.pick(this.members);
      if (suits(member)) return member;
    }
    return this.members.find(suits) ?? null;
  }
}

const RANDOM_ATTEMPTS = 30;

/** What an act is given to perform with. */
export interface Scene {
  readonly random: Random;
  readonly world: World;
  readonly write: Writer;
  readonly clock: Clock;
  /** Performed when the time has come; the run ends only after everything put off was performed. */
  later(delayMs: number, work: () => Promise<void>): void;
}

/** One kind of thing that happens at the brand. */
export interface Act {
  readonly name: string;
  /** How often, relative to the others. */
  readonly weight: number;
  perform(scene: Scene): Promise<void>;
}

export const isLoyal = (member: Member): boolean =>
  !member.closed &&
  member.kind === 'GUEST' &&
  (member.template.program === 'LOYALTY' || member.template.program === 'COMBINED');

export const isRegistered = (member: Member): boolean => isLoyal(member) && member.person !== null;

/** Keeps the till's idea of what the member can spend. */
export function remember(member: Member, posted: readonly Posted[]): void {
  for (const { wallet_code, balance_after } of posted)
    member.balances.set(wallet_code, Number(balance_after));
}

/** What every header written by a till has in common. */
export function tillFields(
  member: Member,
  store: Store,
  random: Random,
): {
  merchantId: number;
  accountId: string;
  cardId: string;
  store: Store;
  origin: 'POS';
  terminalId: string;
  operatorId: string;
} {
  return {
    merchantId: member.merchantId,
    accountId: member.accountId,
    cardId: member.cardId,
    store,
    origin: 'POS',
    terminalId: String(random.int(1_001, 1_040)),
    operatorId: String(random.int(1_200, 1_260)),
  };
}
