import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FAULTS } from '../chaos/catalogue.js';

const TEXT = readFileSync('docs/guarantees.md', 'utf8');
const ROWS = TEXT.split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter((cells) => cells.length === 6 && (cells[4] ?? '') !== '' && !/^-+$/.test(cells[4] ?? ''))
  .slice(1);

describe('the faults of docs/guarantees.md', () => {
  it.each(ROWS.map((cells) => [cells[1], cells[4] ?? '']))(
    '%s: names tests that are there',
    (_fault, proof) => {
      const places = [...proof.matchAll(/`([\w/.-]+\/[\w.-]+)`(?: “([^”]+)”)?/g)];
      const chaos = /chaos ((?:`[\w-]+`(?:, )?)+)/.exec(proof)?.[1] ?? '';
      for (const [, path = '', name] of places) {
        const file = `test/${path}.test.ts`;
        expect(existsSync(file), file).toBe(true);
        if (name !== undefined) expect(readFileSync(file, 'utf8'), file).toContain(name);
      }
      const known = new Set(FAULTS.map((fault) => fault.name));
      const struck = [...chaos.matchAll(/`([\w-]+)`/g)].map(([, fault = '']) => fault);
      expect(struck.filter((fault) => !known.has(fault))).toEqual([]);
      expect(places.length + struck.length).toBeGreaterThan(0);
    },
  );

  it('every fault of the chaos stands in a row', () => {
    expect(FAULTS.map(({ name }) => name).filter((name) => !TEXT.includes(`\`${name}\``))).toEqual([]);
  });
});
