import type { ColumnKind } from '../catalogue.js';

export const TEXT: readonly ColumnKind[] = ['text'];
export const CODE: readonly ColumnKind[] = ['text', 'int'];
export const FLAG: readonly ColumnKind[] = ['bool', 'int', 'text'];
export const AMOUNT: readonly ColumnKind[] = ['number', 'int'];
export const MOMENT: readonly ColumnKind[] = ['timestamptz', 'timestamp', 'date'];
