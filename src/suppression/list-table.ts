import type { Knex } from 'knex';
import { ConnectorError } from '../errors/connector-error.js';
import { readColumn, type ColumnPlace } from '../postgres/column-texts.js';
import { GuestSetBuilder } from './guest-set.js';
import type { ListOrigin, Look } from './list-origin.js';

export interface ListTableOptions {
  readonly knex: Knex;
  readonly place: ColumnPlace;
  readonly everyMs: number;
}

/** A column of the database with a guest id in each row, of whatever type. Read whole at each look. */
export class ListTable implements ListOrigin {
  readonly name = 'table';
  readonly everyMs: number;
  readonly #options: ListTableOptions;

  constructor(options: ListTableOptions) {
    this.#options = options;
    this.everyMs = options.everyMs;
  }

  /** @throws ConnectorError SUPPRESSION_UNREADABLE; DATABASE_UNREACHABLE, DATABASE_BUSY when it passes by itself */
  async look(): Promise<Look> {
    const { knex, place } = this.#options;
    const guests = new GuestSetBuilder();
    try {
      await readColumn(knex, place, (texts) => {
        for (const text of texts) if (text.trim() !== '') guests.add(text.trim());
      });
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.action === 'retry') throw error;
      throw new ConnectorError(
        'SUPPRESSION_UNREADABLE',
        `the suppression list of SUPPRESSION_TABLE cannot be read: ${error.message}`,
        { facts: { ...error.facts, ...place }, cause: error },
      );
    }
    return { tag: 'read', guests: guests.build() };
  }
}
