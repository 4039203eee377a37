import type { Facts } from '../enrichment/facts.js';
import type { Transition } from '../records/commit.js';
import type { Row } from '../records/tables.js';
import { isRegistrationCandidate } from './candidates.js';
import type { Derivation, Subject } from './subject.js';
import type { EventName } from './event.js';
import { sceneOf, type Scene } from './scene.js';
import { serverTime, type ActTime } from './timestamp.js';

type Account = Row<'loyalty.account'>;
type AccountTransition = Transition<'loyalty.account'>;

/** What the two registration events share. */
export interface RegistrationScene {
  readonly scene: Scene;
  readonly presentedCardId: null;
  readonly channel: string | null;
  readonly time: ActTime;
}

/**
 * A guest's first attachment to an account of this program: not that of a second card, nor one that a merge brought.
 * @throws UnparsableValue
 */
export function registrationSceneOf(
  event: EventName,
  subject: Subject<AccountTransition>,
  derivation: Derivation,
): RegistrationScene | null {
  const { before, after } = subject.row;
  if (after === null || !isRegistrationCandidate(subject.row)) return null;
  const { facts } = derivation;
  const scene = sceneOf(event, subject, enrollmentStore(before, after, facts), derivation);
  if (scene === null || facts.isSecondCard(after) || facts.isMergeSurvivor(after.account_id)) return null;
  return {
    scene,
    presentedCardId: null,
    channel: after.registration_source,
    time: serverTime(
      after.registered_at,
      'loyalty.account.registered_at',
      derivation.commit.commitTimeUs,
      derivation.observer,
    ),
  };
}

/** Only where enrolling and registering were one act: a card enrolled at a till may be registered anywhere later. */
function enrollmentStore(before: Account | null, after: Account, facts: Facts): Row<'loyalty.store'> | null {
  const enrolledHere = before === null || (before.enrolled_at === null && after.enrolled_at !== null);
  return enrolledHere && after.enrollment_store_id !== null ? facts.store(after.enrollment_store_id) : null;
}
