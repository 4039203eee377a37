/** What a database says of a table that a mapping names. */
export interface CatalogueTable {
  /** `schema.table`. */
  readonly name: string;
  readonly columns: ReadonlyMap<string, CatalogueColumn>;
  /** Empty: it has none. */
  readonly primaryKey: readonly string[];
  /** The columns that tell an old row: of the primary key, or of the identity index. */
  readonly identityKey: readonly string[];
  /** Sets of columns no two rows share, the primary key among them. */
  readonly uniqueKeys: readonly (readonly string[])[];
}

export interface CatalogueColumn {
  /** pg_type.typname, of a domain that of its base type. */
  readonly type: string;
  readonly notNull: boolean;
}

export interface Catalogue {
  /** The tables that the mapping names, as far as they are there. */
  readonly tables: ReadonlyMap<string, CatalogueTable>;
  /** Every table of the database, for who mistyped one. */
  readonly names: readonly string[];
}
