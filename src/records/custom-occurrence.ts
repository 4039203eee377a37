/** How a property of a custom event is written: numbers exactly, times as RFC 3339, JSON as it is, all else as text. */
export type CustomPropertyKind = 'text' | 'number' | 'boolean' | 'time' | 'date' | 'json';

export interface CustomProperty {
  readonly kind: CustomPropertyKind;
  /** PostgreSQL's text. */
  readonly text: string | null;
}

/** A row that a custom event was declared on did what the event asks for. */
export interface CustomOccurrence {
  readonly event: string;
  /** Place of the declaration in the file: within a commit events are sent in this order. */
  readonly order: number;
  /** Bare name of the table. */
  readonly table: string;
  readonly primaryKey: string;
  /** Last part of the messageId; null: the primary key and where the change was committed. */
  readonly key: string | null;
  readonly merchantId: string;
  readonly accountId: string | null;
  /** In place of what the source calls the account's guest. */
  readonly userId: string | null;
  /** timestamptz text; null: when it was committed. */
  readonly at: string | null;
  readonly properties: Readonly<Record<string, CustomProperty>>;
}
