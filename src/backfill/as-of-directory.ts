import { Directory, type DirectoryOptions } from '../enrichment/directory.js';
import type { GatheredCommit } from '../records/gather.js';
import type { Row } from '../records/tables.js';

/** When the last version of each merchant's row was committed, microseconds since 1970; absent where nobody knows. */
export type MerchantVersions = ReadonlyMap<string, number>;

/**
 * A directory whose commits lie far in the past: a merchant that was suspended since, by a version of its row that came
 * later, was active then. (Accounts are taken back by their look-up. Guests are not: who was deleted stays deleted.)
 */
export class AsOfDirectory extends Directory {
  readonly #versions: MerchantVersions;
  readonly #reopened = new Map<string, Row<'loyalty.merchant'>>();
  #asOfUs = 0;

  constructor(options: DirectoryOptions, versions: MerchantVersions) {
    super(options);
    this.#versions = versions;
  }

  override apply(commit: GatheredCommit): readonly string[] {
    this.#asOfUs = commit.commitTimeUs;
    return super.apply(commit);
  }

  override merchant(merchantId: string): Row<'loyalty.merchant'> | null {
    const row = super.merchant(merchantId);
    const closedAtUs = this.#versions.get(merchantId);
    if (row === null || closedAtUs === undefined || closedAtUs <= this.#asOfUs) return row;
    const known = this.#reopened.get(merchantId);
    if (known !== undefined) return known;
    const reopened = { ...row, status: 'ACTIVE', is_demo: 'f' };
    this.#reopened.set(merchantId, reopened);
    return reopened;
  }
}
