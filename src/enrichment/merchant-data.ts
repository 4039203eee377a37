import type { Change, ChangeOf } from '../changes/transaction.js';
import { compareKeys } from '../records/compare-keys.js';
import type { Row, TableName } from '../records/tables.js';
import type { Lookups, MerchantBundle } from './lookups.js';
import type { Needs } from './needs.js';
import { Recent } from './recent.js';

type MerchantTable =
  'loyalty.merchant' | 'loyalty.card_template' | 'loyalty.tier' | 'loyalty.wallet_definition';
type MerchantChange = Extract<Change, { table: MerchantTable }>;

const NO_DEFINITIONS: ReadonlyMap<string, Row<'loyalty.wallet_definition'>> = new Map();

/**
 * The small tables of a merchant (its row, card templates, tiers, wallet definitions, corporate store), read whole when
 * the merchant is first seen, and its other stores, each when it is; then kept current by the stream. Merchants not seen yet are left to that first look.
 */
export class MerchantData {
  readonly #merchants = new Map<string, Row<'loyalty.merchant'>>();
  readonly #templates = new Map<string, Row<'loyalty.card_template'>>();
  readonly #tiers = new Map<string, Row<'loyalty.tier'>>();
  readonly #definitions = new Map<string, ReadonlyMap<string, Row<'loyalty.wallet_definition'>>>();
  readonly #corporateStores = new Map<string, Row<'loyalty.store'>>();
  readonly #stores = new Recent<Row<'loyalty.store'>>();

  async fetch(needs: Needs, lookups: Lookups): Promise<void> {
    const unknown = [...needs.merchants].filter((id) => !this.#merchants.has(id));
    if (unknown.length > 0) this.#add(await lookups.merchants(unknown));
  }

  async fetchStores(storeIds: ReadonlySet<string>, lookups: Lookups): Promise<void> {
    const unknown = [...storeIds].filter((id) => !this.#stores.touch(id));
    if (unknown.length === 0) return;
    for (const row of await lookups.stores(unknown)) this.#stores.set(row.store_id, row);
  }

  #add(bundle: MerchantBundle): void {
    for (const row of bundle.merchants) this.#merchants.set(row.merchant_id, row);
    for (const row of bundle.templates) this.#templates.set(templateKey(row), row);
    for (const row of bundle.tiers) this.#tiers.set(tierKey(row), row);
    for (const row of bundle.definitions) this.#setDefinition(row);
    for (const row of bundle.corporateStores) {
      const known = this.#corporateStores.get(row.merchant_id);
      if (known === undefined || compareKeys(row.store_id, known.store_id) < 0) {
        this.#corporateStores.set(row.merchant_id, row);
      }
    }
  }

  apply(change: MerchantChange): void {
    switch (change.table) {
      case 'loyalty.merchant':
        applyRow(change, this.#merchants, (row) => row.merchant_id, this.#isKnown(change));
        return;
      case 'loyalty.card_template':
        applyRow(change, this.#templates, templateKey, this.#isKnown(change));
        return;
      case 'loyalty.tier':
        applyRow(change, this.#tiers, tierKey, this.#isKnown(change));
        return;
      case 'loyalty.wallet_definition': {
        const { merchant_id: merchantId, wallet_code: code } = (change.row ??
          change.old) as Row<'loyalty.wallet_definition'>;
        if (!this.#isKnown(change)) return;
        if (change.row !== null) {
          this.#setDefinition(filled(change.row, this.definitions(merchantId).get(code) ?? null));
        } else {
          const rest = new Map(this.definitions(merchantId));
          rest.delete(code);
          this.#definitions.set(merchantId, rest);
        }
        return;
      }
      default:
        change satisfies never;
    }
  }

  applyStore(change: ChangeOf<'loyalty.store'>): void {
    if (change.row === null) {
      this.#stores.delete(change.old.store_id as string);
      return;
    }
    const id = change.row.store_id as string;
    const known = this.#stores.get(id) ?? null;
    const row = filled(change.row, known);
    if (known !== null || change.op === 'insert') this.#stores.set(id, row);
    this.#applyCorporateStore(row);
  }

  /** To be read again when they are needed. */
  forgetStores(): void {
    this.#stores.trim(0);
  }

  /** As `forgetStores`, with all that is read along with a merchant. */
  forgetMerchants(): void {
    for (const rows of [this.#merchants, this.#templates, this.#tiers, this.#definitions]) rows.clear();
    this.#corporateStores.clear();
  }

  store(storeId: string): Row<'loyalty.store'> | null {
    return this.#stores.get(storeId) ?? null;
  }

  trim(maxStores: number): void {
    this.#stores.trim(maxStores);
  }

  merchant(merchantId: string): Row<'loyalty.merchant'> | null {
    return this.#merchants.get(merchantId) ?? null;
  }

  template(merchantId: string, code: string): Row<'loyalty.card_template'> | null {
    return this.#templates.get(codeKey(merchantId, code)) ?? null;
  }

  tier(merchantId: string, templateCode: string, tierCode: string | null): Row<'loyalty.tier'> | null {
    return tierCode === null ? null : (this.#tiers.get(codeKey(merchantId, templateCode, tierCode)) ?? null);
  }

  definitions(merchantId: string): ReadonlyMap<string, Row<'loyalty.wallet_definition'>> {
    return this.#definitions.get(merchantId) ?? NO_DEFINITIONS;
  }

  corporateStore(merchantId: string): Row<'loyalty.store'> | null {
    return this.#corporateStores.get(merchantId) ?? null;
  }

  #applyCorporateStore(row: Row<'loyalty.store'>): void {
    if (!this.#merchants.has(row.merchant_id)) return;
    const known = this.#corporateStores.get(row.merchant_id);
    if (
      row.store_kind === 'CORPORATE' &&
      (known === undefined || compareKeys(row.store_id, known.store_id) <= 0)
    ) {
      this.#corporateStores.set(row.merchant_id, row);
    } else if (known?.store_id === row.store_id) {
      this.#corporateStores.delete(row.merchant_id);
    }
  }

  #isKnown(change: MerchantChange): boolean {
    return this.#merchants.has((change.row ?? change.old).merchant_id as string);
  }

  #setDefinition(row: Row<'loyalty.wallet_definition'>): void {
    const definitions = new Map(this.definitions(row.merchant_id));
    definitions.set(row.wallet_code, row);
    this.#definitions.set(row.merchant_id, definitions);
  }
}

function applyRow<T extends TableName>(
  change: ChangeOf<T>,
  rows: Map<string, Row<T>>,
  keyOf: (row: Row<T>) => string,
  isKnown: boolean,
): void {
  if (!isKnown) return;
  const { row, old } = change;
  const previousKey = keyOf((old ?? row) as Row<T>);
  const previous = rows.get(previousKey) ?? null;
  if (old !== null) rows.delete(previousKey);
  if (row !== null) rows.set(keyOf(row as Row<T>), filled(row, previous));
}

/** The streamed row with its unchanged TOAST values taken from the row known before; null where nothing is known. */
export function filled<T extends TableName>(
  row: Readonly<Record<string, string | null | undefined>>,
  previous: Row<T> | null,
): Row<T> {
  let result: Record<string, string | null | undefined> | null = null;
  for (const column in row) {
    if (row[column] !== undefined) continue;
    result ??= { ...row };
    result[column] = previous === null ? null : (previous[column as keyof Row<T>] as string | null);
  }
  return (result ?? row) as Row<T>;
}

function templateKey(row: Row<'loyalty.card_template'>): string {
  return codeKey(row.merchant_id, row.card_template_code);
}

function tierKey(row: Row<'loyalty.tier'>): string {
  return codeKey(row.merchant_id, row.card_template_code, row.tier_code);
}

/** Codes may hold any character but NUL, which no PostgreSQL text holds. */
function codeKey(...parts: readonly string[]): string {
  return parts.join('\0');
}
