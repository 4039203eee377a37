import type { TableShape } from '../postgres/table-shapes.js';

/** Why the stream never has a column, with what to do instead, as a sentence; null: it has it. */
export function unstreamed({ table, columns }: TableShape, column: string): string | null {
  const shape = columns.get(column);
  if (shape === undefined || shape.streamed) return null;
  return shape.generated === 'virtual'
    ? `${column} of ${table} is a virtual generated column, which is never in the stream: make it STORED, or map the columns it is computed from.`
    : `${column} of ${table} is a generated column, which is in the stream from PostgreSQL 18 on: map the columns it is computed from, or make it an ordinary one that a trigger fills.`;
}
