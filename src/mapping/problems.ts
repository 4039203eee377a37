import { didYouMean } from '../errors/nearest.js';

export interface MappingProblem {
  /** `connector.yaml:12:5`. */
  readonly at: string;
  /** A sentence, with what to do about it. */
  readonly says: string;
}

/** Everything that is wrong with a mapping, in the order of the file. */
export class MappingProblems {
  readonly #all: MappingProblem[] = [];

  /** @param candidates what `word` may have been meant to be */
  add(at: string, says: string, word: string | null = null, candidates: Iterable<string> = []): void {
    const sentence = word === null ? says : `${says}${didYouMean(word, candidates)}`;
    // One mistake is often met several times: a table that several columns are taken from.
    if (!this.#all.some((each) => each.at === at && each.says === sentence)) {
      this.#all.push({ at, says: sentence });
    }
  }

  get all(): readonly MappingProblem[] {
    return this.#all;
  }
}
