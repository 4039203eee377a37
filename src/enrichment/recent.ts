/**
 * A map that remembers which keys were used last. It shrinks only when told (`trim`), never on `set`: everything a
 * batch of commits was prefetched for must stay until the batch is derived.
 */
export class Recent<V> {
  readonly #values = new Map<string, V>();

  get size(): number {
    return this.#values.size;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: V): void {
    this.#values.set(key, value);
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  /** Marks the key as used now. False when it is not here. */
  touch(key: string): boolean {
    const value = this.#values.get(key);
    if (value === undefined) return false;
    this.#values.delete(key);
    this.#values.set(key, value);
    return true;
  }

  /** Forgets the least recently touched keys beyond `max`. */
  trim(max: number): void {
    let excess = this.#values.size - max;
    if (excess <= 0) return;
    for (const key of this.#values.keys()) {
      this.#values.delete(key);
      excess -= 1;
      if (excess === 0) return;
    }
  }

  values(): IterableIterator<V> {
    return this.#values.values();
  }
}
