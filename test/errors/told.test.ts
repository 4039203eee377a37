import { describe, expect, it } from 'vitest';
import { describeError } from '../../src/cli/report-error.js';
import { ConnectorError } from '../../src/errors/connector-error.js';
import { toldError, toldMessage } from '../../src/errors/told.js';
import { createLogger } from '../../src/observability/logger.js';
import { databaseError } from '../../src/postgres/database-error.js';

const NAME = 'Xqanna';

/** As node-postgres makes them. */
function fromPostgres(code: string, message: string): Error {
  return Object.assign(new Error(message), {
    severity: 'ERROR',
    code,
    detail: `Failing row contains (1, ${NAME}).`,
    hint: `Perhaps ${NAME}?`,
    where: `SQL statement "SELECT '${NAME}'::int"`,
    internalQuery: `SELECT '${NAME}'::int`,
  });
}

/** As ioredis makes them. */
function fromRedis(message: string): Error {
  return Object.assign(new Error(message), { command: { name: 'hset', args: ['key', NAME] } });
}

/** Everywhere that an error is shown. */
function shown(error: Error): string {
  const lines: string[] = [];
  const logger = createLogger('trace', { write: (line) => void lines.push(line) });
  logger.error({ err: error }, 'failed');
  logger.error({ err: databaseError(error, 'reading'), code: 'x' }, 'failed');
  const wrapped = new ConnectorError('QUEUE_CLOSED', 'closed', { cause: error });
  logger.error({ err: wrapped }, 'failed');
  for (const each of [error, wrapped, databaseError(error, 'reading')]) {
    lines.push(describeError(each, { stack: true }), describeError(each, { stack: false }));
  }
  return lines.join('\n');
}

describe('what is told of an error', () => {
  it.each([
    ['22P02', `invalid input syntax for type integer: "${NAME}"`],
    ['22008', `date/time field value out of range: "${NAME}"`],
    ['P0001', `no such guest: ${NAME}`],
    ['38000', `${NAME} is not defined`],
    ['HV000', `remote: ${NAME}`],
  ])('holds no value that PostgreSQL quotes: %s', (code, message) => {
    const error = fromPostgres(code, message);
    expect(shown(error)).not.toContain(NAME);
    expect(toldMessage(error)).toBe(`a value was refused (SQLSTATE ${code}); the server’s log says which`);
  });

  it('holds no details of a constraint, and says which', () => {
    const error = fromPostgres('23505', 'duplicate key value violates unique constraint "guest_username"');
    expect(shown(error)).not.toContain(NAME);
    expect(shown(error)).toContain('guest_username');
  });

  it('holds neither the arguments of a Redis command nor what Redis repeats of them', () => {
    for (const message of [
      'OOM command not allowed',
      `ERR unknown command 'X', with args beginning with: '${NAME}'`,
    ]) {
      expect(shown(fromRedis(message))).not.toContain(NAME);
    }
    expect(toldMessage(fromRedis(`ERR unknown command 'X', with args beginning with: 'a' `))).toBe(
      `ERR unknown command 'X'`,
    );
  });

  it('is what happened, why and where', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' });
    const told = toldError(new ConnectorError('QUEUE_CLOSED', 'closed', { cause }));
    expect(told).toMatchObject({
      type: 'ConnectorError',
      code: 'QUEUE_CLOSED',
      message: 'closed: connect ECONNREFUSED 127.0.0.1:5432',
    });
    expect(told.stack).toMatch(/told\.test\.ts.*\ncaused by\n\s+at /s);
    expect(toldError(databaseError(cause, 'connecting')).message).toBe(
      'PostgreSQL failed while connecting: connect ECONNREFUSED 127.0.0.1:5432',
    );
  });

  it('ends, also where causes go round in a circle', () => {
    const one = new Error('one');
    const two = new Error('two', { cause: one });
    one.cause = two;
    expect(toldError(one).message.length).toBeLessThan(100);
  });
});
