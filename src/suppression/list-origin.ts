import type { GuestSet } from './guest-set.js';

export type OriginName = 'file' | 'table';

export type Look =
  | { readonly tag: 'read'; readonly guests: GuestSet }
  /** As it was when last read. */
  | { readonly tag: 'same' }
  /** It is being changed: the next look says more. */
  | { readonly tag: 'unsettled' };

/** Where a list stands. */
export interface ListOrigin {
  readonly name: OriginName;
  /** Between two looks. */
  readonly everyMs: number;
  /** @throws ConnectorError it cannot be read */
  look(): Promise<Look>;
}
