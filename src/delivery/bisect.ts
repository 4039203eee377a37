/**
 * Walks a list in order in spans, halving each span that was refused until the culprit stands alone. Spans within a refused
 * one never reach beyond it, so a culprit costs about 2·log2(n) attempts and everything else goes out in order.
 */
export class BisectCursor {
  readonly #end: number;
  /** Ends of the refused spans that enclose the position, outermost first. */
  readonly #bounds: number[] = [];
  #position: number;

  /** From `start` (what is before it is done) to `end`. */
  constructor(start: number, end: number) {
    this.#position = start;
    this.#end = end;
  }

  /** Everything before it is delivered or given up. */
  get position(): number {
    return this.#position;
  }

  get done(): boolean {
    return this.#position >= this.#end;
  }

  /** Where the next span may reach at most. */
  get bound(): number {
    return this.#bounds.at(-1) ?? this.#end;
  }

  /** The span from the position to `to` is dealt with: delivered, or a culprit set aside. */
  advance(to: number): void {
    if (to <= this.#position || to > this.bound) throw new RangeError(`cannot advance to ${to}`);
    this.#position = to;
    while (this.#bounds.length > 0 && this.bound <= to) this.#bounds.pop();
  }

  /** The span from the position to `to` was refused. `alone`: it is a single item, the culprit; else it was halved. */
  refuse(to: number): 'alone' | 'halved' {
    const length = to - this.#position;
    if (length < 1 || to > this.bound) throw new RangeError(`cannot refuse up to ${to}`);
    if (length === 1) return 'alone';
    if (to < this.bound) this.#bounds.push(to);
    this.#bounds.push(this.#position + Math.floor(length / 2));
    return 'halved';
  }
}
