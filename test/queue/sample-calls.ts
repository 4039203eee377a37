import { brotliCompressSync, constants } from 'node:zlib';
import type { DerivedEvent, MessageId, RejectedEvent } from '../../src/events/event.js';
import type { OfferedTransaction } from '../../src/queue/sink.js';
import type { QueuedCall } from '../../src/queue/job.js';
import type { Lsn } from '../../src/postgres/lsn.js';

const FILL = 'Zażółć gęślą jaźń. '.repeat(4);

/** A track call of some 1.6 kB, as big as the real ones. */
export function callJson(messageId: string, userId: string, more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    type: 'track',
    event: 'POS Activity',
    messageId,
    userId,
    anonymousId: '7f0e6b67-0868-5f8e-b0f6-a4f183f54361',
    timestamp: '2026-11-20T18:40:02.000Z',
    context: {
      library: { name: 'paytronix-segment-source', version: '1.0.0' },
      timezone: 'America/New_York',
    },
    properties: {
      merchant_id: 777777,
      store_name: 'Pizzaland Concord',
      note: FILL,
      amount: 12.5,
      wallets: Array.from({ length: 10 }, (_, i) => ({
        wallet_code: String(i),
        label: `Wallet number ${i}`,
        balance: 100 + i,
        guest_visible: true,
        expirations: [],
      })),
      ...more,
    },
  });
}

export interface CallOptions {
  readonly account?: string;
  readonly key?: string;
  readonly more?: Record<string, unknown>;
}

export function eventCall(messageId: string, options: CallOptions = {}): DerivedEvent {
  const account = options.account ?? '1';
  return {
    tag: 'event',
    name: 'POS Activity',
    messageId: messageId as MessageId,
    accountKey: `777777:${account}`,
    guestId: `g${account}`,
    rank: { kind: 4, key: options.key ?? '1', part: 1 },
    json: callJson(messageId, account, options.more),
  };
}

export function rejectedCall(messageId: string): RejectedEvent {
  return {
    ...eventCall(messageId),
    tag: 'rejected',
    reason: 'schema',
    detail: '/properties/amount must be number',
  };
}

export function queuedCall(messageId: string, options: CallOptions = {}): QueuedCall {
  const event = eventCall(messageId, options);
  return {
    accountKey: event.accountKey,
    guestId: event.guestId,
    commitTimeMs: 1_700_000_000_000,
    position: '0/10',
    name: event.name,
    messageId,
    json: event.json,
  };
}

/** Transaction number `n` (its position too) with the given calls. */
export function transaction(
  n: number,
  calls: OfferedTransaction['calls'],
  settled: () => void = () => undefined,
  source = 'default',
): OfferedTransaction {
  return {
    source,
    endLsn: BigInt(n) as Lsn,
    commitTimeUs: 1_700_000_000_000_000,
    receivedAtMs: Date.now(),
    calls,
    settled,
  };
}

/** Base64 of some hundred bytes that inflate to `mebibytes` of nothing. */
export function brotliBomb(mebibytes: number): string {
  // Quality 2 is the first that finds the repetition, and takes a fraction of a second.
  const params = { [constants.BROTLI_PARAM_QUALITY]: 2 };
  return brotliCompressSync(Buffer.alloc(mebibytes * 1024 * 1024), { params }).toString('base64');
}
