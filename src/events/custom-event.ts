import { formatLsn } from '../postgres/lsn.js';
import type { CustomOccurrence, CustomProperty } from '../records/custom-occurrence.js';
import { dateValue, isoOfUs, timestampIso } from '../records/timestamps.js';
import {
  booleanValue,
  jsonValue,
  numericValue,
  UnparsableValue,
  type ValueObserver,
} from '../records/values.js';
import { anonymousIdOf, sendable, type Address } from './assemble.js';
import { shownCardNumber } from './card-number.js';
import { customRank } from './custom-rank.js';
import type { Derived } from './event.js';
import { accountAdmits, merchantAdmits, takesMerchant } from './gate.js';
import { writeJson } from './json-text.js';
import { messageId } from './message-id.js';
import { redacted } from './redact.js';
import { fits } from './shrink.js';
import type { Derivation, Subject } from './subject.js';
import { contextOf } from './context.js';
import { userIdOf } from './user-id.js';
import { zoneFor } from './zone-for.js';

/** The track call of a custom event, or none where the source, the merchant or the account is not to be spoken of. */
export function customCall(subject: Subject<CustomOccurrence>, derivation: Derivation): readonly Derived[] {
  const { row, merchantId, accountId } = subject;
  const { settings, facts, commit, observer } = derivation;
  if (settings.customEvents?.has(row.event) === false) return [];
  if (!takesMerchant(settings, merchantId)) return [];
  const merchant = facts.merchant(merchantId);
  if (!merchantAdmits(merchant)) return [];
  const account = accountId === null ? null : facts.account(accountId);
  if (accountId !== null && account === null) observer?.noAccount?.(settings.name, row.event);
  if (accountId !== null && !accountAdmits(account)) return [];
  // An UPDATE may come again for the same row: then where it was committed tells one from the next, also in a replay.
  const key = row.key ?? `${row.primaryKey}-${formatLsn(commit.endLsn).replace('/', '-')}`;
  const address: Address = {
    name: 'custom',
    messageId: messageId(merchantId, slugOf(row.event), key),
    accountKey:
      accountId === null ? `${merchantId}:${row.table}:${row.primaryKey}` : `${merchantId}:${accountId}`,
    guestId: account?.account.user_id ?? null,
    rank: customRank(row),
  };
  const userId = row.userId ?? (account === null ? null : userIdOf(account, settings));
  const user = userId === null ? '' : `"userId":${JSON.stringify(userId)},`;
  const head = `{"type":"track","event":${JSON.stringify(row.event)},"messageId":${JSON.stringify(address.messageId)},${user}"anonymousId":"${anonymousIdOf(subject)}",`;
  try {
    const iso = row.at === null ? null : timestampIso(row.at, columnOf(row, 'timestamp'), observer);
    const timestamp = iso ?? isoOfUs(commit.commitTimeUs) ?? '';
    const members = redacted(propertiesOf(row, derivation), settings.privacy);
    const json = `${head}"timestamp":"${timestamp}","context":${contextOf(zoneFor(null, merchant))},"properties":{${members}}}`;
    if (!fits(json)) {
      return [{ tag: 'rejected', ...address, json, reason: 'too_large', detail: 'over 32 KB' }];
    }
    return [sendable(address, json)];
  } catch (error) {
    if (!(error instanceof UnparsableValue)) throw error;
    const detail = `${error.column} ${error.problem}`;
    return [
      { tag: 'rejected', ...address, json: `${head.slice(0, -1)}}`, reason: 'unparsable_value', detail },
    ];
  }
}

/** As in a warehouse table's name; what makes two names one is refused where they are declared. */
export function slugOf(event: string): string {
  return event
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
    .replaceAll(/^_|_$/g, '');
}

/** Of this name a property is shown as the source shows card numbers, whatever event it is of. */
const CARD_NUMBER = 'printed_card_number';

function propertiesOf(row: CustomOccurrence, { settings, observer }: Derivation): string {
  const values: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(row.properties)) {
    values[name] =
      name === CARD_NUMBER && property.text !== null
        ? shownCardNumber(property.text, settings.cardNumber)
        : valueOf(property, columnOf(row, name), observer);
  }
  return writeJson(values).text.slice(1, -1);
}

function columnOf({ event }: CustomOccurrence, name: string): string {
  return `${name} of ${event}`;
}

function valueOf(
  { kind, text }: CustomProperty,
  column: string,
  observer: ValueObserver | undefined,
): unknown {
  if (text === null) return null;
  switch (kind) {
    case 'text':
      return text;
    case 'number':
      return numericValue(text, column, observer);
    case 'boolean':
      return booleanValue(text === 'true' ? 't' : text === 'false' ? 'f' : text, column);
    case 'time':
      return timestampIso(text, column, observer);
    case 'date':
      return dateValue(text, column, observer);
    case 'json':
      return jsonValue(text, column);
    default:
      return kind satisfies never;
  }
}
