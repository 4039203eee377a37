import { describe, expect, it } from 'vitest';
import { ERROR_POLICY, type ErrorCode } from '../../src/errors/codes.js';
import { ConnectorError, toError } from '../../src/errors/connector-error.js';

describe('the table of conditions', () => {
  it.each(Object.keys(ERROR_POLICY) as ErrorCode[])(
    '%s: whole sentences, and advice that says what to do',
    (code) => {
      expect(code).toMatch(/^[A-Z][A-Z0-9_]+$/);
      const { means, advice } = ERROR_POLICY[code];
      expect(means).toMatch(/^[A-Z`].{15,}\.$/s);
      expect(advice).toMatch(/^.{15,}[.`?)]$/s);
    },
  );
});

describe('ConnectorError', () => {
  it('carries the decision and the cause', () => {
    const cause = new Error('why');
    const error = new ConnectorError('SCHEMA_DRIFT', 'x', { cause, facts: { table: 't' } });
    expect(error).toMatchObject({ code: 'SCHEMA_DRIFT', action: 'stop', cause, facts: { table: 't' } });
    expect(error.advice).toBe(ERROR_POLICY.SCHEMA_DRIFT.advice);
  });
});

describe('toError', () => {
  it('leaves errors as they are and wraps the rest', () => {
    const error = new TypeError('x');
    expect(toError(error)).toBe(error);
    expect(toError('text').message).toBe('text');
    expect(toError(undefined)).toBeInstanceOf(Error);
  });
});
