import type { EventName } from './event.js';
import type { OpenScene } from './scene.js';
import type { OwnProperties } from './schema/event-properties.js';
import type { Derivation, Subject } from './subject.js';
import type { ActTime } from './timestamp.js';

/** What an event's own file found: all that is particular to the event, and none of how it is written. */
export interface TrackDraft<E extends EventName = EventName> {
  /** Last part of the messageId. */
  readonly key: string;
  readonly scene: OpenScene;
  /** The card in hand; null when none was presented. */
  readonly presentedCardId: string | null;
  readonly channel: string | null;
  readonly time: ActTime;
  readonly properties: OwnProperties<E>;
  /** Last part of the messageId of the identify call that goes before; null when none does. */
  readonly identifyKey: string | null;
}

/** What any call needs to be addressed and dated. */
export type CallDraft = Pick<TrackDraft, 'scene' | 'presentedCardId' | 'time'>;

/** One of the nine events. */
export interface EventRule<E extends EventName, R> {
  readonly name: E;
  /**
   * What the row means, or null when the event does not fire.
   * @throws UnparsableValue when it fires and one of its values cannot be read.
   */
  draft(subject: Subject<R>, derivation: Derivation): TrackDraft<E> | null;
}
