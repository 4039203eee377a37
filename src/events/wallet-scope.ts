import type { WalletScope } from '../config/source.js';
import type { Row } from '../records/tables.js';

/** What the scope lets a source be told of. The same list where that is all of it. */
export function inScope<T extends { readonly definition: Row<'loyalty.wallet_definition'> }>(
  wallets: readonly T[],
  scope: WalletScope,
): readonly T[] {
  if (scope === 'all') return wallets;
  return wallets.filter(({ definition }) =>
    scope === 'visible' ? definition.guest_visible === 't' : scope.has(definition.wallet_code),
  );
}
