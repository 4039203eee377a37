import { describe, expect, it } from 'vitest';
import { findingsJson, renderFindings, wouldWork, type Section } from '../../src/cli/findings.js';
import { styleFor } from '../../src/cli/style.js';
import { failure, ok, warning } from '../../src/preflight/finding.js';

const sections: Section[] = [
  {
    area: 'PostgreSQL',
    findings: [
      ok('connection', 'connected to db:5432/loyalty'),
      failure(
        'wal-level',
        'wal_level is replica',
        'Row changes are not in the WAL.',
        'ALTER SYSTEM SET wal_level = logical;\n-- then restart the server',
      ),
    ],
  },
  {
    area: 'Redis',
    findings: [
      warning('aof', 'appendfsync is no', 'A power cut loses jobs.', 'CONFIG SET appendfsync everysec'),
    ],
  },
];
const plain = styleFor({ write: () => undefined }, {});

describe('renderFindings', () => {
  it('says of each what, why and what mends it, aligned', () => {
    expect(renderFindings(sections, plain)).toMatchInlineSnapshot(`
      "PostgreSQL
        ok       connected to db:5432/loyalty
        error    wal_level is replica
                 why  Row changes are not in the WAL.
                 fix  ALTER SYSTEM SET wal_level = logical;
                      -- then restart the server

      Redis
        warning  appendfsync is no
                 why  A power cut loses jobs.
                 fix  CONFIG SET appendfsync everysec

      1 ok, 1 warning, 1 error: the connector would not work, or would lose events.
      "
    `);
  });

  it('colours on a terminal alone, and not against NO_COLOR', () => {
    const terminal = { write: () => undefined, isTTY: true };
    expect(renderFindings(sections, styleFor(terminal, {}))).toContain('\u001b[31m');
    expect(renderFindings(sections, styleFor(terminal, { NO_COLOR: '1' }))).not.toContain('\u001b');
    expect(renderFindings(sections, plain)).not.toContain('\u001b');
  });
});

describe('wouldWork', () => {
  it('is so with warnings, and not with an error', () => {
    expect(wouldWork(sections)).toBe(false);
    expect(wouldWork(sections.slice(1))).toBe(true);
  });
});

describe('findingsJson', () => {
  it('holds every finding with its place', () => {
    const parsed = JSON.parse(findingsJson(sections)) as { ok: boolean; findings: object[] };
    expect(parsed.ok).toBe(false);
    expect(parsed.findings).toHaveLength(3);
    expect(parsed.findings[2]).toMatchObject({ area: 'Redis', id: 'aof', level: 'warning' });
  });
});
