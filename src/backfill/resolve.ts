import type { Knex } from 'knex';
import type { EventSettings } from '../config/source.js';
import { ConnectorError } from '../errors/connector-error.js';
import { readCheckpoint } from '../postgres/checkpoint-store.js';
import { readSources } from '../postgres/source-store.js';
import { rowOf } from '../postgres/query.js';
import { parsePosition, timeText } from '../replay/position.js';
import type { BackfillRequest, BackfillSpan } from './request.js';

/** How long Segment remembers a message id at least. */
const REMEMBERED_US = 24 * 3_600_000_000;

/** @throws ConnectorError BACKFILL_REFUSED when the source would take nothing of it */
export function requireOffered(request: BackfillRequest, source: EventSettings): void {
  const { events, custom, identify, merchantId } = request;
  if (events.length === 0 && custom.length === 0 && !identify)
    throw refused('name the events to send (--event), or --identify for profiles');
  const off = [
    ...events.filter((name) => !source.events.has(name)),
    ...custom.filter((name) => source.customEvents?.has(name) === false),
  ];
  if (off.length > 0) throw refused(`${off.join(', ')}: not among the EVENTS of source ${source.name}`);
  if (merchantId !== null && !/^\d{1,9}$/.test(merchantId)) throw refused('--merchant takes a merchant_id');
  const { merchantIds } = source;
  if (merchantId !== null && merchantIds !== null && !merchantIds.has(merchantId)) {
    const which = merchantIds.size === 1 ? 'merchant' : 'merchants';
    throw refused(`source ${source.name} takes ${which} ${[...merchantIds].join(', ')} only`);
  }
}

export interface ResolvedSpan {
  readonly span: BackfillSpan;
  /** As the backfill derives: a span that was asked for counts, whatever ENABLED_FROM says. */
  readonly source: EventSettings;
  /** Why the sending must be confirmed; null: it need not be. */
  readonly wasSentBefore: string | null;
}

/** @throws ConnectorError BACKFILL_REFUSED, DATABASE_… */
export async function resolveSpan(
  knex: Knex,
  options: {
    readonly request: BackfillRequest;
    readonly source: EventSettings;
    readonly slotName: string;
  },
): Promise<ResolvedSpan> {
  const { request, source, slotName } = options;
  const { now_us: nowText } = await rowOf<{ now_us: string }>(
    knex,
    'reading the clock',
    `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text AS now_us`,
  );
  const nowUs = Number(nowText);
  const asked = request.since === null ? null : timeUs('--since', request.since, nowUs);
  const addedUs = await addedLaterUs(knex, slotName, source.name);
  const beganUs = Math.max(source.enabledFromUs, addedUs ?? 0);
  const enabledUs = beganUs > 0 ? beganUs : null;
  const span: BackfillSpan = {
    sinceUs: asked ?? enabledUs,
    untilUs: request.until === null ? nowUs : timeUs('--until', request.until, nowUs),
  };
  if (span.sinceUs !== null && span.sinceUs >= span.untilUs)
    throw refused('--since must be earlier than --until');
  const checkpoint = await readCheckpoint(knex, slotName);
  const streamingUs = checkpoint?.enabledFromUs ?? null;
  const forgottenUs = nowUs - REMEMBERED_US;
  const wasSentBefore =
    request.events.length + request.custom.length > 0 &&
    streamingUs !== null &&
    overlaps(span, streamingUs, forgottenUs)
      ? `what the stream sent from ${timeText(Math.max(streamingUs, span.sinceUs ?? streamingUs))} to ${timeText(Math.min(forgottenUs, span.untilUs))} would be sent again, and Segment remembers message ids for 24 hours only; add --yes if that is meant, or choose --since and --until`
      : null;
  return { span, source: { ...source, enabledFromUs: 0 }, wasSentBefore };
}

/**
 * When a source was added that was not there from the beginning, microseconds since 1970; null: it was. What is older it is
 * sent only where that is asked for.
 */
async function addedLaterUs(knex: Knex, slotName: string, source: string): Promise<number | null> {
  const checkpoint = await readCheckpoint(knex, slotName);
  const added = (await readSources(knex, slotName)).get(source)?.added ?? null;
  return added !== null && added.atUs > (checkpoint?.enabledFromUs ?? 0) ? added.atUs : null;
}

function overlaps({ sinceUs, untilUs }: BackfillSpan, fromUs: number, toUs: number): boolean {
  return Math.max(sinceUs ?? fromUs, fromUs) < Math.min(untilUs, toUs);
}

function timeUs(option: string, text: string, nowUs: number): number {
  const position = parsePosition(text);
  switch (position?.tag) {
    case 'time':
      return position.timeUs;
    case 'ago':
      return nowUs - position.agoUs;
    case 'lsn':
    case undefined:
      throw refused(
        `${option} ${JSON.stringify(text)} is no time; write it with its zone (2026-07-01T10:00:00Z) or how long ago (90s, 20m, 2h, 3d)`,
      );
    default: {
      const never: never = position;
      throw new RangeError(`no such position: ${JSON.stringify(never)}`);
    }
  }
}

function refused(message: string): ConnectorError {
  return new ConnectorError('BACKFILL_REFUSED', message);
}
