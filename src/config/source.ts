import type { Privacy } from './privacy.js';

/** How a source names a person to Segment. */
export type UserIdStrategy = 'account_id' | 'user_id' | 'printed_card_number' | 'external_account_code';
/** What reaches a guest: sent only where a source asks for it, and not even published where none does. */
export const CONTACT_TRAITS = ['email', 'phone'] as const;
export type ContactTrait = (typeof CONTACT_TRAITS)[number];
/** The guest's column behind each. */
export const COLUMN_OF_TRAIT = { email: 'email', phone: 'mobile_phone' } as const;
/** Wallets that a source is told of: all, those that guests see, or those with these codes. */
export type WalletScope = 'all' | 'visible' | ReadonlySet<string>;
export type CardNumberMode = 'FULL' | 'MASKED' | 'HASHED';

/** What derivation needs to know of a Segment source: what is sent, and how people and cards are named. */
export interface EventSettings {
  /** Name of the source in queue keys, metrics and logs: `[a-z0-9_-]+`. */
  readonly name: string;
  /** Only these merchants' events; null = every merchant's. */
  readonly merchantIds: ReadonlySet<string> | null;
  /** Names of the enabled track events, e.g. `POS Activity`. */
  readonly events: ReadonlySet<string>;
  /** Names of the custom events that it gets. Default: all. */
  readonly customEvents?: ReadonlySet<string>;
  readonly identify: boolean;
  /** Traits of the identify call beyond its own. */
  readonly traits: ReadonlySet<ContactTrait>;
  readonly userId: { readonly strategy: UserIdStrategy; readonly prefix: string };
  readonly cardNumber: {
    readonly mode: CardNumberMode;
    /** HMAC key; set when mode is HASHED. */ readonly hashKey: string | null;
  };
  readonly wallets: WalletScope;
  /** Null: nothing is taken out. */
  readonly privacy: Privacy | null;
  /** Send POS Activity with `is_void: true` for voids and reversals committed after the original. */
  readonly emitVoids: boolean;
  /** Add `answers` to Survey Completion. */
  readonly surveyAnswers: boolean;
  /** Commits at or before this time are not sent, microseconds since 1970; 0 = from the slot's creation. */
  readonly enabledFromUs: number;
}

/** What delivery needs to know of it: where its events go, as whom and how fast. */
export interface DeliverySettings {
  readonly name: string;
  readonly writeKey: string;
  /** Origin, e.g. `https://api.segment.io`. */
  readonly host: string;
  readonly client: 'batch' | 'sdk';
  readonly oauth: OAuthSettings | null;
  /** Events, not requests. */
  readonly rateLimitPerSecond: number;
  /** Sources of one group share the limit; null: this one has its own. */
  readonly rateLimitGroup: string | null;
  readonly lanes: number;
  readonly requestTimeoutMs: number;
  /** Nothing is sent. */
  readonly paused: boolean;
}

/** OAuth 2.0 client credentials of a source that requires them; the SDK client fetches and renews the token. */
export interface OAuthSettings {
  readonly clientId: string;
  readonly clientKey: string;
  readonly keyId: string;
  readonly authServer: string | null;
  readonly scope: string | null;
}
