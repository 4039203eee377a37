import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/observability/logger.js';

function lines(
  level: string,
  log: (logger: ReturnType<typeof createLogger>) => void,
): Record<string, unknown>[] {
  const written: string[] = [];
  log(createLogger(level, { write: (line) => void written.push(line) }));
  return written.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('createLogger', () => {
  it('writes one JSON object a line with an ISO time, from its level up', () => {
    const written = lines('info', (logger) => {
      logger.debug('quiet');
      logger.info({ lane: 0 }, 'queued');
    });
    expect(written).toHaveLength(1);
    expect(written[0]).toMatchObject({ lane: 0, msg: 'queued' });
    expect(written[0]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  it.each(['writeKey', 'password', 'authorization', 'printed_card_number'])(
    'never writes what is called %s, should it ever be handed over',
    (key) => {
      const written = lines('trace', (logger) =>
        logger.info({ [key]: 'topsecret', nested: { writeKey: 'topsecret' } }, 'x'),
      );
      expect(JSON.stringify(written)).not.toContain('topsecret');
    },
  );
});
