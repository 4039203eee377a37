import { columnTypeOf, type KeyKind } from './canonical.js';
import type { Expression } from './expression.js';
import type { Feed } from './mapping.js';
import type { TableName } from '../records/tables.js';

const INTEGERS = new Set(['int2', 'int4', 'int8']);
const INTEGER = /^-?\d{1,18}$/;

/**
 * The SQL type of each kind of key. Where every column that holds such keys has one type, it is that one, so that its
 * indexes serve; otherwise text.
 */
export function keyTypes(
  feeds: readonly Feed[],
  rows: readonly { readonly record: TableName; readonly columns: Readonly<Record<string, Expression>> }[],
): (kind: KeyKind) => string {
  const found = new Map<KeyKind, Set<string>>();
  for (const { record, columns } of [...feeds, ...rows]) {
    for (const [column, expression] of Object.entries(columns)) {
      const type = columnTypeOf(record, column);
      const own = type.kind === 'key' ? ownType(expression) : null;
      if (type.kind !== 'key' || own === null) continue;
      const types = found.get(type.of) ?? new Set<string>();
      found.set(type.of, types.add(own));
    }
  }
  return (kind) => {
    const types = [...(found.get(kind) ?? [])];
    const [only] = types;
    return types.length === 1 && only !== undefined ? only : 'text';
  };
}

/** Null: it says nothing of the type. */
function ownType(expression: Expression): string | null {
  switch (expression.kind) {
    case 'when':
      return ownType(expression.of);
    case 'column':
      if (INTEGERS.has(expression.type)) return 'bigint';
      // Without the blanks that char(n) is filled up with: another column may hold the same key without them.
      return expression.type === 'bpchar' ? 'text' : expression.type;
    case 'constant':
      if (expression.text === null) return null;
      return INTEGER.test(expression.text) ? 'bigint' : 'text';
    case 'concat':
    case 'composite':
    case 'json':
    case 'codes':
    case 'truth':
    case 'scaled':
    case 'signed':
    case 'epoch':
    case 'zoned':
    case 'commit-time':
      return 'text';
    case 'first': {
      const [own = null, ...others] = new Set(expression.of.map(ownType).filter((each) => each !== null));
      return others.length === 0 ? own : 'text';
    }
    default:
      return expression satisfies never;
  }
}
