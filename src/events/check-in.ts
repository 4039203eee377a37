import type { Row } from '../records/tables.js';
import { nullableTimestampIso } from '../records/timestamps.js';
import type { EventRule } from './draft.js';
import { sceneOf } from './scene.js';
import { serverTime } from './timestamp.js';

/** A guest announced a visit, at a store or, without one, at the brand. */
export const checkIn: EventRule<'Check-In', Row<'loyalty.checkin'>> = {
  name: 'Check-In',
  draft(subject, derivation) {
    const { row } = subject;
    const { facts, observer } = derivation;
    const store = row.store_id === null ? facts.corporateStore(row.merchant_id) : facts.store(row.store_id);
    const scene = sceneOf('Check-In', subject, store, derivation);
    if (scene === null) return null;
    return {
      scene,
      key: row.checkin_id,
      identifyKey: null,
      presentedCardId: row.card_id,
      channel: row.channel,
      time: serverTime(
        row.checkin_time,
        'loyalty.checkin.checkin_time',
        derivation.commit.commitTimeUs,
        observer,
      ),
      properties: {
        checkin_id: row.checkin_id,
        checkin_scope: row.store_id === null ? 'CORPORATE' : 'STORE',
        external_store_code: row.external_store_code,
        expiration_time: nullableTimestampIso(
          row.expiration_time,
          'loyalty.checkin.expiration_time',
          observer,
        ),
      },
    };
  },
};
