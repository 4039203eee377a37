import { describe, expect, it } from 'vitest';
import { describeError, exitCodeOf } from '../../src/cli/report-error.js';
import { ConnectorError } from '../../src/errors/connector-error.js';

describe('describeError', () => {
  const cause = new Error('connection refused');
  const named = new ConnectorError('HTTP_PORT_IN_USE', 'port 8080 of 127.0.0.1 is in use', { cause });

  it('says of a named condition what happened, why and what to do, without a stack', () => {
    expect(describeError(named, { stack: false })).toMatchInlineSnapshot(`
      "HTTP_PORT_IN_USE: port 8080 of 127.0.0.1 is in use
        because: connection refused
      → Set HTTP_PORT to a free port, or to 0 to take any, or stop the other process; is another connector running?
      "
    `);
  });

  it('says how to see more of an unexpected error', () => {
    expect(describeError(new TypeError('x is undefined'), { stack: false })).toMatchInlineSnapshot(`
      "unexpected error: x is undefined
      → Run again with LOG_LEVEL=debug to see where it happened.
      "
    `);
  });

  it('adds the stack when asked', () => {
    expect(describeError(named, { stack: true })).toContain('report-error.test.ts');
  });

  it('follows a chain of causes that ends in a ring no further than five', () => {
    const ring = new Error('ring');
    ring.cause = ring;
    expect(describeError(ring, { stack: false }).match(/because/g)).toHaveLength(5);
  });
});

describe('exitCodeOf', () => {
  it('tells a configuration from what stopped a running connector', () => {
    expect(exitCodeOf(new ConnectorError('CONFIG_INVALID', 'x'))).toBe(78);
    expect(exitCodeOf(new ConnectorError('SCHEMA_DRIFT', 'x'))).toBe(70);
    expect(exitCodeOf(new Error('x'))).toBe(70);
  });
});
