/**
 * Remembers results of a pure function in bounded memory: two generations, of which the older is dropped whole when
 * the younger is full. Cheaper than exact LRU (no reordering on a hit) and as good where hits cluster in time.
 */
export class Memo<K, V> {
  readonly #perGeneration: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  /** @param perGeneration half of the most entries ever held. */
  constructor(perGeneration: number) {
    this.#perGeneration = perGeneration;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The remembered value, or the one `make` gives for it now. */
  of(key: K, make: (key: K) => V): V {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const value = this.#old.get(key) ?? make(key);
    if (this.#young.size >= this.#perGeneration) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
    return value;
  }
}
