import type { MappingSpec } from '../mapping/spec.js';
import { warning, type Finding } from '../preflight/finding.js';

/** Says where a mapping leaves it to a default in what the brand's money is counted. */
export function checkCurrency({ feeds, rows }: MappingSpec): readonly Finding[] {
  if (feeds === null) return [];
  const merchants = [
    ...feeds.map(({ record, columns, table }) => ({ record, columns, at: table.at })),
    ...rows,
  ].filter(({ record }) => record === 'loyalty.merchant');
  return merchants
    .filter(({ columns }) => !columns.has('currency'))
    .map(({ at }) =>
      warning(
        'currency',
        `${at} merchant has no currency`,
        'Add/Redeem and Recharge Value say USD.',
        'Give merchant its currency, for instance currency: CHF.',
      ),
    );
}
