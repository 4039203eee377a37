import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FAULTS } from '../chaos/catalogue.js';

const ROWS = readFileSync('docs/guarantees.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter((cells) => cells.length === 6 && (cells[4] ?? '') !== '' && !/^-+$/.test(cells[4] ?? ''))
  .slice(1);

/** Test files that a proof names, with the title it quotes of each. */
function placesOf(proof: string): readonly { readonly file: string; readonly title: string | undefined }[] {
  return [...proof.matchAll(/`([\w/.-]+\/[\w.-]+)`(?: “([^”]+)”)?/g)].map(([, path, title]) => ({
    file: `test/${path}.test.ts`,
    title,
  }));
}

/** Faults of the chaos that a proof names. */
function struckBy(proof: string): readonly string[] {
  const lists = [...proof.matchAll(/chaos ((?:`[\w-]+`(?:, )?)+)/g)].map(([, list]) => list ?? '');
  return lists.flatMap((list) => [...list.matchAll(/`([\w-]+)`/g)].map(([, fault]) => fault ?? ''));
}

/** What stands where a title does: the first argument of a call whose second is a function. */
function titlesIn(file: string): readonly string[] {
  const code = readFileSync(file, 'utf8').replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  const title = /\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1,\s*(?:async\s*)?(?:\(|function\b|\w+\s*=>)/g;
  return [...code.matchAll(title)].map(([, , text]) => (text ?? '').replaceAll(/\\(.)/g, '$1'));
}

describe('the faults of docs/guarantees.md', () => {
  it.each(ROWS.map((cells) => [cells[1], cells[4] ?? '']))(
    '%s: names a test that is there, by its title',
    (_fault, proof) => {
      const places = placesOf(proof);
      for (const { file, title } of places) {
        expect(existsSync(file), file).toBe(true);
        if (title === undefined) continue;
        expect(
          titlesIn(file).filter((each) => each.includes(title)),
          `“${title}” in ${file}`,
        ).not.toEqual([]);
      }
      expect(places.filter(({ title }) => title !== undefined)).not.toEqual([]);
      const known = new Set(FAULTS.map((fault) => fault.name));
      expect(struckBy(proof).filter((fault) => !known.has(fault))).toEqual([]);
    },
  );

  it('every fault of the chaos stands in a row', () => {
    const struck = new Set(ROWS.flatMap((cells) => struckBy(cells[4] ?? '')));
    expect(FAULTS.map(({ name }) => name).filter((name) => !struck.has(name))).toEqual([]);
  });
});
