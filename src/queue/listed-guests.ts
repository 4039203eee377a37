import { GuestSet } from '../suppression/guest-set.js';
import { defineScript, type RedisClient } from './redis.js';

/**
 * The suppression list as capture knows it, for processes that deliver: a hash with the version that holds for each source,
 * and for each version its pages of hashed guests. Apart from the guests that were deleted (suppressions.ts): those stay
 * suppressed for good, these as long as they are listed.
 *
 * A version is written page by page under a time to live, and holds from one moment to the next; that of before goes with the
 * last source it held for. Where Redis knows no version nobody has published one, which is not a list without guests.
 */
function versionsKey(prefix: string): string {
  return `${prefix}:listed-guests`;
}

function pagesKey(prefix: string, version: string): string {
  return `${versionsKey(prefix)}:${version}`;
}

/** Of pages that no source refers to yet. */
const UNPUBLISHED_SECONDS = 3_600;

const writePageScript = defineScript(
  'segmentWriteListedPage',
  2,
  `
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
for _, held in ipairs(redis.call('HVALS', KEYS[1])) do if held == ARGV[1] then return end end
redis.call('EXPIRE', KEYS[2], ${UNPUBLISHED_SECONDS})
`,
);

/** 0: some of the pages are gone. */
const publishScript = defineScript(
  'segmentPublishListed',
  1,
  `
local versions, version, pages = KEYS[1], ARGV[1], ARGV[3]
if redis.call('HLEN', pages .. version) ~= tonumber(ARGV[2]) then return 0 end
redis.call('PERSIST', pages .. version)
local before = {}
for i = 4, #ARGV do
  local old = redis.call('HGET', versions, ARGV[i])
  if old then before[old] = true end
  redis.call('HSET', versions, ARGV[i], version)
end
for _, held in ipairs(redis.call('HVALS', versions)) do before[held] = nil end
for old, _ in pairs(before) do redis.call('UNLINK', pages .. old) end
return 1
`,
);

export interface PublishOptions {
  readonly prefix: string;
  readonly sources: readonly string[];
  /** Runs a step until Redis has taken it. */
  readonly patiently: <T>(step: (client: RedisClient) => Promise<T>) => Promise<T>;
}

/** Makes these the listed guests of the sources. False: they are so already. */
export async function publishListed(options: PublishOptions, guests: GuestSet): Promise<boolean> {
  const { prefix, sources, patiently } = options;
  const { version } = guests;
  const versions = versionsKey(prefix);
  for (;;) {
    const pages = [...guests.pages()];
    const published = await patiently(async (client) => client.hmget(versions, ...sources));
    const held = await patiently(async (client) => client.hlen(pagesKey(prefix, version)));
    const holds = (each: string | null): boolean => each === version || (each === null && guests.size === 0);
    if (held === pages.length && published.every(holds)) return false;
    for (const [number, page] of pages.entries()) {
      const keys = [versions, pagesKey(prefix, version)];
      await patiently(async (client) => writePageScript(client, keys, [version, number, page]));
    }
    const args = [version, pages.length, pagesKey(prefix, ''), ...sources];
    if ((await patiently(async (client) => publishScript(client, [versions], args))) === 1) return true;
  }
}

/** How many guests are listed, of all sources the most; null: nobody has published a list. */
export async function countListed(
  client: RedisClient,
  prefix: string,
  sources: readonly string[],
): Promise<number | null> {
  const versions = await client.hmget(versionsKey(prefix), ...sources);
  const counts = versions.flatMap((version) => (version === null ? [] : [sizeOf(version)]));
  return counts.length === 0 ? null : Math.max(...counts);
}

function sizeOf(version: string): number {
  return Number(version.slice(0, version.indexOf('-')));
}

/** A list that is replaced again and again while it is read is not waited for longer. */
const ATTEMPTS = 10;

/** Reads what was published, and again only when that has changed: once for all sources of the same version. */
export class PublishedGuests {
  readonly #client: RedisClient;
  readonly #prefix: string;
  /** By source. */
  readonly #known = new Map<string, GuestSet>();
  /** By version. */
  readonly #reading = new Map<string, Promise<GuestSet | null>>();

  constructor(client: RedisClient, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
  }

  /** Of the source; null: none was published. */
  async version(source: string): Promise<string | null> {
    return this.#client.hget(versionsKey(this.#prefix), source);
  }

  /**
   * The guests of that version, or of one that was published since. Null asks for none: what was known last, as a Redis that
   * was emptied has taken nobody off.
   */
  async guests(source: string, version: string | null): Promise<GuestSet> {
    let wanted = version;
    for (let attempt = 1; wanted !== null && attempt <= ATTEMPTS; attempt += 1) {
      const read = this.#knownAs(wanted) ?? (await this.#readOnce(wanted));
      if (read !== null) {
        this.#known.set(source, read);
        return read;
      }
      // Replaced while it was read.
      wanted = await this.version(source);
    }
    if (wanted !== null) throw new Error(`the suppression list in redis is not whole: version ${wanted}`);
    return this.#known.get(source) ?? GuestSet.NONE;
  }

  #knownAs(version: string): GuestSet | null {
    if (version === GuestSet.NONE.version) return GuestSet.NONE;
    return [...this.#known.values()].find((guests) => guests.version === version) ?? null;
  }

  async #readOnce(version: string): Promise<GuestSet | null> {
    let reading = this.#reading.get(version);
    if (reading === undefined) {
      reading = this.#read(version).finally(() => this.#reading.delete(version));
      this.#reading.set(version, reading);
    }
    return reading;
  }

  /** Null: its pages are not, or no longer, all there. */
  async #read(version: string): Promise<GuestSet | null> {
    const key = pagesKey(this.#prefix, version);
    const count = await this.#client.hlen(key);
    const pages: Buffer[] = [];
    for (let number = 0; number < count; number += 1) {
      const page = await this.#client.hgetBuffer(key, String(number));
      if (page !== null) pages.push(page);
    }
    const guests = GuestSet.fromPages(pages);
    return guests.version === version ? guests : null;
  }
}
