import { wordsOf } from './words.js';

/** Words of codes by what they mean in the reference schema. */
export type Meanings = Readonly<Record<string, string>>;

export const MODIFIER: Meanings = {
  VOID: 'void voided cancel cancelled canceled cancellation',
  REVERSE: 'refund refunded return returned reverse reversed reversal',
};
export const RESULT: Meanings = { DENIED: 'denied declined failed failure rejected error' };
export const ORIGIN: Meanings = {
  POS: 'pos store instore shop till register counter walkin walk kiosk retail desk reception front till box',
  ONLINE_ORDER: 'web online website internet ecommerce delivery browser',
  MOBILE_APP: 'app mobile ios android',
  PARTNER: 'partner ota aggregator marketplace doordash ubereats grubhub deliveroo',
  CSR: 'csr callcenter phone call support',
};
export const REGISTRATION_SOURCE: Meanings = {
  GUEST_WEBSITE: 'web website online site internet browser',
  MOBILE_APP: 'app mobile ios android',
  POS: 'pos store instore shop till register counter kiosk desk',
  SMS: 'sms text',
  API: 'api partner',
  CSR: 'csr callcenter phone call support',
  IMPORT: 'import imported migration migrated legacy conversion',
};
export const RECHARGE_STATE: Meanings = {
  Succeeded:
    'succeeded success successful paid complete completed captured settled approved authorized ok posted done',
  Pending: 'pending open new processing initiated created unpaid due',
  Failed: 'failed failure declined denied rejected error cancelled canceled voided void expired',
  Refunded: 'refund refunded returned reversed',
  Chargeback: 'chargeback disputed dispute',
};
export const GUEST_STATUS: Meanings = {
  DELETED: 'deleted removed erased forgotten',
  ANONYMIZED: 'anonymized anonymised',
};
export const ACCOUNT_STATUS: Meanings = {
  SUSPENDED: 'inactive suspended blocked banned frozen disabled paused hold lapsed dormant',
  TERMINATED: 'closed terminated cancelled canceled expired ended',
};
export const ENTRY_KIND: Meanings = {
  ACCRUED: 'earn earned earning accrue accrued accrual add added award awarded bonus purchase credit',
  REDEEMED: 'redeem redeemed redemption spend spent burn burned burnt debit used reward',
  EXPIRED: 'expire expired expiry expiration',
  ADJUSTED: 'adjust adjusted adjustment correction manual',
};
export const RESPONSE_STATUS: Meanings = {
  COMPLETED: 'complete completed submitted finished done closed',
  STARTED: 'started open new progress partial draft pending sent',
  ABANDONED: 'abandoned expired cancelled',
  DISQUALIFIED: 'disqualified screened rejected',
};
export const REFERRAL_STATUS: Meanings = {
  SENT: 'sent invited pending new created open',
  REGISTERED: 'registered joined accepted signed converted',
  QUALIFIED: 'qualified',
  REWARDED: 'rewarded paid completed',
  EXPIRED: 'expired',
  CANCELLED: 'cancelled canceled revoked',
};
const YES = new Set([
  'y',
  'yes',
  't',
  'true',
  '1',
  'on',
  'in',
  'j',
  'ja',
  's',
  'si',
  'o',
  'oui',
  'x',
  'subscribed',
  'opted',
]);
const NO = new Set(['n', 'no', 'f', 'false', '0', 'off', 'out', 'nein', 'non', '', 'unsubscribed', 'u']);

export interface Translation {
  /** Only codes whose meaning the words tell. */
  readonly codes: ReadonlyMap<string, string>;
  readonly unknown: readonly string[];
}

/** What codes mean, by their words; each as it stands in the table. */
export function translate(values: readonly string[], meanings: Meanings): Translation {
  const codes = new Map<string, string>();
  const unknown: string[] = [];
  for (const value of values) {
    const words = wordsOf(value);
    const meaning = Object.entries(meanings).find(([, said]) => {
      const known = wordsOf(said);
      return words.some((word) => known.includes(word));
    });
    if (meaning === undefined) unknown.push(value);
    else codes.set(value, meaning[0]);
  }
  return { codes, unknown };
}

/** Values that mean yes, where all of them mean yes or no; null: their words do not tell. */
export function yesAmong(values: readonly string[]): readonly string[] | null {
  const lower = (value: string): string => value.trim().toLowerCase();
  if (values.length === 0 || !values.every((value) => YES.has(lower(value)) || NO.has(lower(value))))
    return null;
  return values.filter((value) => YES.has(lower(value)));
}

/** `V` of sales that are S, R and V. */
export function letterMeanings(values: readonly string[]): ReadonlyMap<string, string> {
  const letters = values.every((value) => /^[A-Za-z]$/.test(value.trim()));
  if (!letters || values.length < 2) return new Map();
  return new Map(
    values.flatMap((value): [string, string][] => {
      const letter = value.trim().toUpperCase();
      if (letter === 'V') return [[value, 'VOID']];
      return letter === 'R' ? [[value, 'REVERSE']] : [];
    }),
  );
}
