import type { CaptureObserver } from '../capture/observer.js';
import type { DeliveryObserver } from '../delivery/observer.js';
import type { QueueObserver } from '../queue/observer.js';
import { toldMessage } from '../errors/told.js';
import type { Logger } from '../observability/logger.js';

/** What of capture is worth a line. Never a row: positions, codes and counts. */
export function captureLog(logger: Logger): CaptureObserver {
  const told = new Set<string>();
  const isFirst = (what: string): boolean => told.size < told.add(what).size;
  return {
    state: (state) => logger.info(state, `capture is ${state.tag}`),
    unrouted: (merchantId) =>
      logger.info({ merchantId }, 'no source takes the events of this merchant; they are not sent'),
    noAccount: (source, event) => {
      if (!isFirst(`${source} ${event}`)) return;
      logger.warn(
        { source, event },
        'a row is about an account that there is no record of; nothing is sent of it',
      );
    },
    unknownWord: (record, column) => {
      if (!isFirst(`${record}.${column}`)) return;
      logger.warn(
        { record, column },
        'the mapping gives this column a word that its record does not have; `paytronix-segment check` names such words',
      );
    },
    backpressure: (paused) =>
      logger.debug(paused ? 'reading from the server is paused' : 'reading from the server goes on'),
  };
}

export function queueLog(logger: Logger): QueueObserver {
  return {
    waiting: (why, source, error) =>
      logger.warn(
        { why, source, reason: error === null ? null : toldMessage(error) },
        'capture waits for the queue; the WAL is the buffer',
      ),
    resumed: (why, source) => logger.info({ why, source }, 'capture goes on'),
    memory: (use, full) => logger[full ? 'warn' : 'info']({ ...use, full }, 'redis memory'),
    connectionError: (error) => logger.warn({ reason: toldMessage(error) }, 'redis connection of capture'),
    deadLettered: (source, event, reason) =>
      logger.warn({ source, event, reason }, 'event set aside as a dead letter'),
    skipped: (source, lane, calls) => logger.debug({ source, lane, calls }, 'already queued, skipped'),
  };
}

export function deliveryLog(logger: Logger): DeliveryObserver {
  return {
    attempted: ({ source, lane, calls, outcome, roundTripMs }) => {
      if (outcome.tag === 'delivered' || outcome.tag === 'aborted') return;
      logger.warn(
        { source, lane, calls, roundTripMs, outcome: outcome.tag },
        'segment did not take a request',
      );
    },
    awaitsList: (source) =>
      logger.warn({ source }, 'delivery waits for capture to publish the suppression list'),
    deadLettered: (source, event, reason) =>
      logger.warn({ source, event, reason }, 'event set aside as a dead letter'),
    paused: (source, ms) => logger.warn({ source, pauseMs: ms }, 'segment asked to pause'),
    stopped: (source, lane, code) =>
      logger.error({ source, lane, code }, 'source stands still until this is mended'),
    resumed: (source, lane) => logger.info({ source, lane }, 'source goes on'),
    held: (source, held) =>
      logger[held ? 'warn' : 'info'](
        { source },
        held ? 'the source is paused: nothing is delivered to it' : 'the source is paused no more',
      ),
    closed: (source) => logger.info({ source }, 'the source is delivered otherwise from now on, or no more'),
    lockLost: (source, lane) => logger.warn({ source, lane }, 'another process has taken the job in hand'),
    connectionError: (error) => logger.warn({ reason: toldMessage(error) }, 'redis connection of delivery'),
    laneError: (source, lane, error) =>
      logger.error({ source, lane, err: error }, 'lane failed; trying again'),
    skippedJob: (source, lane, why) => logger.info({ source, lane, why }, 'job needed no sending'),
  };
}
