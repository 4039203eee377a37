import { fullName, type CatalogueTable } from './catalogue.js';
import type { Confidence } from './proposal.js';

/** A table that may be a record, with what speaks for it and against it. */
export interface Candidate {
  readonly table: CatalogueTable;
  /** 0 to 1. */
  readonly score: number;
  readonly reasons: readonly string[];
}

export interface Choice {
  readonly table: CatalogueTable;
  readonly confidence: Confidence;
  readonly reasons: readonly string[];
  /** Others that were near, best first, with what they have for them. */
  readonly runnersUp: readonly Candidate[];
}

/** What a candidate gathers while it is judged. */
export class Judgement {
  readonly #table: CatalogueTable;
  readonly #reasons: string[] = [];
  #score: number;

  constructor(table: CatalogueTable, nameScore: number) {
    this.#table = table;
    this.#score = nameScore;
    if (nameScore > 0) this.#reasons.push('by its name');
  }

  /** @param weight added to the score; what is said is what was found, or what is missing. */
  add(weight: number, reason: string): void {
    this.#score += weight;
    this.#reasons.push(reason);
  }

  candidate(): Candidate {
    // Of sums of tenths a hair's breadth must not decide.
    const score = Math.min(1, Math.max(0, Math.round(this.#score * 1000) / 1000));
    return { table: this.#table, score, reasons: this.#reasons };
  }
}

export const LIKELY = 0.5;
const MEDIUM = 0.65;
const HIGH = 0.9;
const MAX_RUNNERS_UP = 3;

/** The best of the candidates that are likely enough; null: none is. */
export function choose(candidates: readonly Candidate[], enough: number = LIKELY): Choice | null {
  const ranked = candidates
    .filter(({ score }) => score >= enough)
    .toSorted((a, b) => b.score - a.score || fullName(a.table).localeCompare(fullName(b.table)));
  const [best, ...others] = ranked;
  if (best === undefined) return null;
  return {
    table: best.table,
    confidence: confidenceOf(best.score),
    reasons: best.reasons,
    runnersUp: others.slice(0, MAX_RUNNERS_UP),
  };
}

function confidenceOf(score: number): Confidence {
  if (score >= HIGH) return 'high';
  return score >= MEDIUM ? 'medium' : 'low';
}

/** Sentences for the comment above a section. */
export function notesOf({ reasons, runnersUp }: Choice): string[] {
  const notes = [`Chosen ${reasons.join('; ')}.`];
  for (const { table, reasons: theirs } of runnersUp) {
    notes.push(`Runner-up: ${fullName(table)} (${theirs.join('; ')}).`);
  }
  return notes;
}
