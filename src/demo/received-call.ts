import type { ReceivedEvent } from './receiver.js';

export interface ReceivedWallet {
  readonly walletCode: string;
  readonly balance: number | null;
}

/** What arrived, reduced to what is compared and shown. */
export interface ReceivedCall {
  readonly name: string;
  readonly messageId: string;
  /** Milliseconds since 1970, fractions kept. */
  readonly arrivedAtMs: number;
  readonly userId: string | null;
  readonly accountId: string | null;
  readonly timestampMs: number | null;
  readonly clockSuspect: boolean;
  /** null: the call has no wallets_info that can be read. */
  readonly wallets: readonly ReceivedWallet[] | null;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly cardNumber: string | null;
  readonly storeName: string | null;
  /** When the ledger posted it, else the call's own time: milliseconds since 1970. */
  readonly happenedAtMs: number | null;
}

export function receivedCall(event: ReceivedEvent): ReceivedCall {
  const { call } = event;
  const facts = object(call['properties']) ?? object(call['traits']) ?? {};
  const timestampMs = time(call['timestamp']);
  return {
    name: event.name,
    messageId: event.messageId,
    arrivedAtMs: event.arrivedAtMs,
    userId: event.userId,
    accountId: text(facts['account_id']),
    timestampMs,
    clockSuspect: facts['clock_suspect'] === true,
    wallets: wallets(facts['wallets_info']),
    firstName: text(facts['first_name']),
    lastName: text(facts['last_name']),
    cardNumber: text(facts['printed_card_number']),
    storeName: text(facts['store_name']),
    happenedAtMs: time(facts['posted_at']) ?? timestampMs,
  };
}

function wallets(value: unknown): ReceivedWallet[] | null {
  if (!Array.isArray(value)) return null;
  return value.map((entry: unknown) => {
    const wallet = object(entry) ?? {};
    const balance = wallet['balance'];
    return {
      walletCode: text(wallet['wallet_code']) ?? '',
      balance: typeof balance === 'number' ? balance : null,
    };
  });
}

function object(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function time(value: unknown): number | null {
  if (typeof value !== 'string') return null;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? null : ms;
}
