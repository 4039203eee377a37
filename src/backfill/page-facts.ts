import type { Knex } from 'knex';
import type { Directory, DirectoryOptions } from '../enrichment/directory.js';
import type { Facts } from '../enrichment/facts.js';
import type { Lookups, MerchantBundle } from '../enrichment/lookups.js';
import { postgresLookups } from '../enrichment/postgres-lookups.js';
import type { Relations } from '../mapping/mapping.js';
import { AsOfDirectory, type MerchantVersions } from './as-of-directory.js';
import type { RestoredCommit } from './commits.js';
import { textRows } from './read-places.js';

export interface PageFactsOptions {
  readonly knex: Knex;
  readonly relations: Relations;
  readonly trackCommitTimestamp: boolean;
  readonly onLookup?: (table: string) => void;
}

/**
 * Directories for the commits of a page. A directory's look-ups are as of the first commit that asks for an account, and
 * no stream keeps it current here: so an account's second commit goes to a second directory, and so on.
 */
export class PageFacts {
  readonly #options: PageFactsOptions;
  readonly #levels: RestoredCommit[][] = [];
  readonly #levelOf = new Map<RestoredCommit, number>();
  readonly #directories: Directory[] = [];
  readonly #merchants = new Map<string, MerchantBundle>();

  constructor(commits: readonly RestoredCommit[], options: PageFactsOptions) {
    this.#options = options;
    const seen = new Map<string, number>();
    for (const restored of commits) {
      const ids = [...restored.accountIds];
      const level = ids.reduce((highest, id) => Math.max(highest, seen.get(id) ?? 0), 0);
      for (const id of ids) seen.set(id, level + 1);
      (this.#levels[level] ??= []).push(restored);
      this.#levelOf.set(restored, level);
    }
  }

  async fill(): Promise<void> {
    const lookups = this.#lookups();
    const versions = await this.#merchantVersions();
    const isRegistration: DirectoryOptions['isRegistration'] = ({ after }) => after?.user_id != null;
    for (const level of this.#levels) {
      const directory = new AsOfDirectory({ lookups, isRegistration }, versions);
      await directory.prefetch(level.map(({ commit }) => commit));
      this.#directories.push(directory);
    }
  }

  /** Stands as of this commit until the next is asked for. Commits in order. */
  factsOf(restored: RestoredCommit): Facts {
    const directory = this.#directories[this.#levelOf.get(restored) ?? -1];
    if (directory === undefined) throw new RangeError('the facts of this commit were not read');
    directory.apply(restored.commit);
    return directory;
  }

  async #merchantVersions(): Promise<MerchantVersions> {
    const { knex, relations, trackCommitTimestamp } = this.#options;
    if (!trackCommitTimestamp) return new Map();
    const rows = await textRows(
      knex,
      'reading loyalty.merchant',
      `SELECT t.merchant_id, (extract(epoch FROM pg_xact_commit_timestamp(t.xmin)) * 1000000)::bigint AS version_us
         FROM ${relations.from('loyalty.merchant')} t WHERE t.status <> 'ACTIVE' OR t.is_demo`,
      [],
    );
    return new Map(
      rows.flatMap(({ merchant_id: id, version_us: us }) =>
        id == null || us == null ? [] : [[id, Number(us)]],
      ),
    );
  }

  /** The few rows of a merchant are read once a page. */
  #lookups(): Lookups {
    const { knex, relations, trackCommitTimestamp, onLookup } = this.#options;
    const lookups = postgresLookups({
      knex,
      relations,
      trackCommitTimestamp,
      ...(onLookup === undefined ? {} : { onLookup }),
    });
    return {
      ...lookups,
      merchants: async (ids) => {
        const key = ids.toSorted().join();
        const known = this.#merchants.get(key);
        if (known !== undefined) return known;
        const bundle = await lookups.merchants(ids);
        this.#merchants.set(key, bundle);
        return bundle;
      },
    };
  }
}
