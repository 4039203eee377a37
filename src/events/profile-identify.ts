import type { Row } from '../records/tables.js';
import { isoOfUs } from '../records/timestamps.js';
import { addressOf } from './assemble.js';
import { setAside } from './derive.js';
import type { Derivation, Subject } from './subject.js';
import type { Derived } from './event.js';
import { identifyCall, identifyMessageId } from './identify.js';
import { sceneOf } from './scene.js';

/**
 * The identify call that tells a registered guest's profile as it stands, of its own accord and not beside an event:
 * its time is the derivation's commit time, for that is when these traits were seen. Null: no registered guest, or one
 * that is not to be spoken of.
 */
export function profileIdentify(account: Row<'loyalty.account'>, derivation: Derivation): Derived | null {
  const subject: Subject<Row<'loyalty.account'>> = {
    row: account,
    table: 'account',
    merchantId: account.merchant_id,
    primaryKey: account.account_id,
    accountId: account.account_id,
  };
  const scene = sceneOf('Loyalty Registration', subject, null, derivation);
  if (scene === null || scene.account.guest === null) return null;
  const { commitTimeUs } = derivation.commit;
  const iso = isoOfUs(commitTimeUs);
  if (iso === null) throw new RangeError('a server clock outside the years 1 to 9999');
  const time = { iso, ms: Math.floor(commitTimeUs / 1000), clockSuspect: false };
  const draft = { scene, presentedCardId: null, time, identifyKey: `profile-${account.account_id}` };
  try {
    return identifyCall('Loyalty Registration', draft, subject, derivation);
  } catch (error) {
    const id = identifyMessageId(subject.merchantId, draft.identifyKey);
    return setAside(
      error,
      addressOf('identify', 'Loyalty Registration', 0, id, subject, derivation),
      subject,
    );
  }
}
