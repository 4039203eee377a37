import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { runs } from '../../support/fuzz-runs.js';
import { anyCatalogue } from './any-catalogue.js';
import { proposed } from './proposed.js';

describe('whatever the tables are', () => {
  it('a proposal is a file that names only what there is, and leaves no table unmentioned', () => {
    fc.assert(
      fc.property(anyCatalogue, (given) => {
        const { text, proposal } = proposed(given);
        expect(parseDocument(text).errors).toEqual([]);
        if (proposal.tag === 'reference') return;
        const said = text.replaceAll(/\n *# +/g, ' ');
        for (const { schema, name } of given.tables) {
          if (/^[\w]+$/.test(name)) expect(said).toContain(`${schema}.${name}`);
        }
      }),
      runs(300),
    );
  });
});
