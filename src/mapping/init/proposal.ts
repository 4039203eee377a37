import type { RecordName } from '../record-names.js';

/** A value as the mapping file writes it: the name of a column, or an object of the contract. */
export type Value = string | { readonly [key: string]: unknown };

export interface Line {
  readonly column: string;
  readonly value: Value;
  /** Said behind the line. */
  readonly why: string | null;
  /** Written as a comment, for a person to decide on. */
  readonly offered: boolean;
}

export interface ProposedJoin {
  readonly name: string;
  readonly table: string;
  readonly on: Readonly<Record<string, string>>;
}

export const CONFIDENCES = ['high', 'medium', 'low'] as const;
export type Confidence = (typeof CONFIDENCES)[number];

export interface ProposedFeed {
  readonly tag: 'feed';
  readonly record: RecordName;
  readonly table: string;
  readonly confidence: Confidence;
  /** Said above it: why this table, what speaks against it, what else was near. */
  readonly notes: readonly string[];
  readonly where: Readonly<Record<string, unknown>>;
  readonly joins: readonly ProposedJoin[];
  readonly lines: readonly Line[];
  /** Written as a comment: too much speaks against it. */
  readonly offered: boolean;
}

export interface ProposedRows {
  readonly tag: 'rows';
  readonly record: RecordName;
  readonly notes: readonly string[];
  readonly rows: readonly Readonly<Record<string, string | number | boolean>>[];
  /** As for a feed. Default false. */
  readonly offered?: boolean;
}

export interface Unplaced {
  readonly what: string;
  readonly why: string;
}

export type Proposal =
  /** The tables are the reference schema's, but for what they lack: the connector reads them as they are. */
  | { readonly tag: 'reference'; readonly lacking: readonly string[] }
  /** Nothing looks like the people events are about, and without them there is no event. */
  | { readonly tag: 'nothing'; readonly unplaced: readonly Unplaced[] }
  | {
      readonly tag: 'mapping';
      readonly database: string;
      readonly tables: number;
      readonly zone: string;
      readonly zoneNotes: readonly string[];
      readonly sections: readonly (ProposedFeed | ProposedRows)[];
      readonly unplaced: readonly Unplaced[];
      /** Events that nothing was found for. */
      readonly silent: readonly Unplaced[];
    };
