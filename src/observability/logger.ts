import { toldError } from '../errors/told.js';
import { pino, stdTimeFunctions, type DestinationStream, type Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;

/**
 * The connector's structured log: one JSON object a line. Row values, card numbers and keys are never handed to it; of an error
 * (`err`) only what can be told is written, and the redaction list is a second net under that rule.
 */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    serializers: { err: (error: unknown) => (error instanceof Error ? toldError(error) : typeof error) },
    redact: ['writeKey', 'password', 'authorization', 'printed_card_number', '*.writeKey', '*.password'],
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** For tests and one-shot commands that say what they do in their own output. */
export const silentLogger: Logger = pino({ level: 'silent' });
