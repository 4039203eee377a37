import { ConstantReader } from './constant-file.js';
import { ExpressionReader } from './expression-file.js';
import { ModifierReader } from './modifier-file.js';
import { TableReader } from './table-file.js';
import type { YamlNodes } from './yaml-nodes.js';

/** What reads the parts of records and of custom events alike. */
export interface MappingReaders {
  readonly nodes: YamlNodes;
  readonly constants: ConstantReader;
  readonly modifiers: ModifierReader;
  readonly expressions: ExpressionReader;
  readonly tables: TableReader;
}

export function mappingReaders(nodes: YamlNodes): MappingReaders {
  const constants = new ConstantReader(nodes);
  const modifiers = new ModifierReader(nodes, constants);
  const expressions = new ExpressionReader(nodes, constants, modifiers);
  return { nodes, constants, modifiers, expressions, tables: new TableReader(nodes, expressions) };
}
