import { createHash, hash } from 'node:crypto';

/** What of a list travels in one piece: half a megabyte. */
const GUESTS_PER_PAGE = 65_536;
const BYTES_PER_GUEST = BigUint64Array.BYTES_PER_ELEMENT;

/** 64 bits that stand for a guest: the first of the SHA-256 of the id. */
function digestOf(guestId: string): bigint {
  return hash('sha256', guestId, 'buffer').readBigUInt64BE(0);
}

/**
 * Guests by the hash of their ids, sorted: 8 bytes each, however long the ids, and nobody can read from it who is in it. That
 * anybody else of a hundred million guests is taken for one of a million has a chance of some 10^-5.
 */
export class GuestSet {
  static readonly NONE = new GuestSet(new BigUint64Array(0));

  readonly #sorted: BigUint64Array;
  #version: string | null = null;
  /** The calls of one commit are about one guest. */
  #last = { guestId: '', listed: false };

  private constructor(sorted: BigUint64Array) {
    this.#sorted = sorted;
    this.#last.listed = this.#find('');
  }

  /** @param digests in any order, some perhaps several times; used up */
  static sorted(digests: BigUint64Array): GuestSet {
    digests.sort();
    let kept = 0;
    for (let index = 0; index < digests.length; index += 1) {
      const digest = digests[index] as bigint;
      if (kept > 0 && digest === digests[kept - 1]) continue;
      digests[kept] = digest;
      kept += 1;
    }
    return kept === 0 ? GuestSet.NONE : new GuestSet(digests.slice(0, kept));
  }

  static union(sets: readonly GuestSet[]): GuestSet {
    const [only = GuestSet.NONE, ...more] = sets.filter(({ size }) => size > 0);
    if (more.length === 0) return only;
    const all = new BigUint64Array(sets.reduce((sum, { size }) => sum + size, 0));
    let at = 0;
    for (const set of sets) {
      all.set(set.#sorted, at);
      at += set.size;
    }
    return GuestSet.sorted(all);
  }

  /** Of `pages`, put together in their order. */
  static fromPages(pages: readonly Buffer[]): GuestSet {
    // Copied: a page from the network may begin anywhere in its memory.
    const bytes = Buffer.concat(pages);
    const aligned = new Uint8Array(bytes);
    return GuestSet.sorted(
      new BigUint64Array(aligned.buffer, 0, Math.floor(aligned.length / BYTES_PER_GUEST)),
    );
  }

  get size(): number {
    return this.#sorted.length;
  }

  /** `<size>-<hash of all>`: sets of the same guests have the same, wherever they were read. */
  get version(): string {
    this.#version ??= `${this.size}-${createHash('sha256').update(this.#bytes).digest('base64url').slice(0, 22)}`;
    return this.#version;
  }

  has(guestId: string): boolean {
    if (this.#last.guestId !== guestId) this.#last = { guestId, listed: this.#find(guestId) };
    return this.#last.listed;
  }

  /** The bytes of the set, in this machine's order, which is little-endian wherever the connector is built. */
  *pages(): Generator<Buffer> {
    const bytes = this.#bytes;
    const pageBytes = GUESTS_PER_PAGE * BYTES_PER_GUEST;
    for (let at = 0; at < bytes.length; at += pageBytes) yield bytes.subarray(at, at + pageBytes);
  }

  get #bytes(): Buffer {
    const { buffer, byteOffset, byteLength } = this.#sorted;
    return Buffer.from(buffer, byteOffset, byteLength);
  }

  #find(guestId: string): boolean {
    const sorted = this.#sorted;
    if (sorted.length === 0) return false;
    const wanted = digestOf(guestId);
    let from = 0;
    let to = sorted.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((sorted[middle] as bigint) < wanted) from = middle + 1;
      else to = middle;
    }
    return sorted[from] === wanted;
  }
}

/** Takes guests one after another and keeps 8 bytes of each. */
export class GuestSetBuilder {
  #digests = new BigUint64Array(1_024);
  #count = 0;

  add(guestId: string): void {
    if (this.#count === this.#digests.length) {
      const larger = new BigUint64Array(this.#count * 2);
      larger.set(this.#digests);
      this.#digests = larger;
    }
    this.#digests[this.#count] = digestOf(guestId);
    this.#count += 1;
  }

  build(): GuestSet {
    return GuestSet.sorted(this.#digests.subarray(0, this.#count));
  }
}
