import { z } from 'zod';
import { EVENT_NAMES } from '../events/event.js';
import { REDACTABLE } from '../events/schema/redactable.js';
import { didYouMean } from '../errors/nearest.js';
import type { CustomNames } from './custom-names.js';
import { privacyRule, type PrivacyRule, type PrivacyRules } from './privacy.js';
import { MAX_QUOTED_CHARS, quoted } from './quoted.js';
import { CONTACT_TRAITS, type ContactTrait, type WalletScope } from './source.js';

/**
 * What an option accepts: a zod schema from the variable's text to its value. Its description is the wording of the
 * documentation; a refusal completes the sentence `<NAME> `, and holds the value only where `quoted` says so (never of
 * a secret).
 */
export type Check<T> = z.ZodType<T, string>;

function check<T>(accepts: string, parse: (text: string) => T | Refusal): Check<T> {
  return z
    .string()
    .transform((text, context): T => {
      const parsed = parse(text);
      if (!(parsed instanceof Refusal)) return parsed;
      context.issues.push({ code: 'custom', message: parsed.says, input: text });
      return z.NEVER;
    })
    .describe(accepts);
}

class Refusal {
  readonly says: string;
  constructor(says: string) {
    this.says = says;
  }
}

export function integer(min: number, max: number): Check<number> {
  const accepts = `whole number, ${min} to ${max}`;
  return check(accepts, (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : new Refusal(`is ${quoted(text)}; it must be a ${accepts}.`);
  });
}

export function oneOf<const T extends string>(values: readonly T[]): Check<T> {
  return check(values.map((value) => `\`${value}\``).join(', '), (text) => {
    const found = values.find((value) => value.toLowerCase() === text.toLowerCase());
    return (
      found ??
      new Refusal(`is ${quoted(text)}; it must be one of ${values.join(', ')}.${didYouMean(text, values)}`)
    );
  });
}

export const onOff: Check<boolean> = check('`on` or `off`', (text) => {
  if (/^(on|true|yes|1)$/i.test(text)) return true;
  if (/^(off|false|no|0)$/i.test(text)) return false;
  return new Refusal(`is ${quoted(text)}; it must be on or off.`);
});

const MS_PER_UNIT = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Milliseconds of `500ms`, `25s`, `2m`, `1h`. A bare number is refused: nobody can tell what it means. */
export function duration(minMs: number, maxMs: number): Check<number> {
  const accepts = `duration with its unit, ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return check(accepts, (text) => {
    const match = /^(\d{1,9})\s*(ms|s|m|h)$/.exec(text);
    const value =
      match === null ? Number.NaN : Number(match[1]) * MS_PER_UNIT[match[2] as keyof typeof MS_PER_UNIT];
    return value >= minMs && value <= maxMs
      ? value
      : new Refusal(`is ${quoted(text)}; it must be a ${accepts}.`);
  });
}

function formatDuration(ms: number): string {
  const units = [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const;
  const unit = units.find(([, size]) => ms >= size && ms % size === 0);
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
}

const BYTES_PER_UNIT = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** Bytes of `65536B`, `512KiB`, `64MiB`, `2GiB`; `KB`, `MB` and `GB` are read as their binary neighbours. */
export function bytes(min: number, max: number): Check<number> {
  const accepts = `size with its unit, ${formatBytes(min)} to ${formatBytes(max)}`;
  return check(accepts, (text) => {
    const match = /^(\d{1,9})\s*([KMG]?)i?B$/i.exec(text);
    const unit =
      `${match?.[2]?.toUpperCase() ?? ''}${match?.[2] ? 'iB' : 'B'}` as keyof typeof BYTES_PER_UNIT;
    const value = match === null ? Number.NaN : Number(match[1]) * BYTES_PER_UNIT[unit];
    return value >= min && value <= max ? value : new Refusal(`is ${quoted(text)}; it must be a ${accepts}.`);
  });
}

function formatBytes(size: number): string {
  const units = ['GiB', 'MiB', 'KiB'] as const;
  const unit = units.find((name) => size >= BYTES_PER_UNIT[name] && size % BYTES_PER_UNIT[name] === 0);
  return unit === undefined ? `${size}B` : `${size / BYTES_PER_UNIT[unit]}${unit}`;
}

/** What is quoted of a URL that holds a password: `password:…` begins like a protocol, too. */
const KNOWN_PROTOCOL = /^(https?|mysql|mariadb|mssql|mongodb|jdbc|tcp|unix|file|postgres(ql)?|rediss?):$/;

/** Every % begins a percent-encoding, and the bytes are text: whoever connects with the URL decodes its parts. */
function decodes(part: string): boolean {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

/** A URL that may carry a password: it is never quoted. */
export function secretUrl(protocols: readonly string[], example: string): Check<URL> {
  const accepts = `URL such as \`${example}\``;
  return check(accepts, (text) => {
    if (!URL.canParse(text)) {
      return new Refusal(
        `is not a URL; write it as ${example}, with special characters of the password percent-encoded.`,
      );
    }
    const url = new URL(text);
    if (!protocols.includes(url.protocol)) {
      const begins = KNOWN_PROTOCOL.test(url.protocol) ? `begins with ${quoted(url.protocol)}; it ` : '';
      return new Refusal(`${begins}must begin with ${protocols.map((p) => `${p}//`).join(' or ')}.`);
    }
    if (![url.username, url.password, url.hostname, url.pathname].every(decodes)) {
      return new Refusal('has a % that begins no percent-encoding; write a % of the password as %25.');
    }
    if (url.hostname === '' && !url.searchParams.has('host'))
      return new Refusal(`names no host; write it as ${example}.`);
    return url;
  });
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** `https://host[:port]`; plain http only to this machine, because every request carries the write key. */
export const origin: Check<string> = check('origin: `https://` and a host, without a path', (text) => {
  // What stands before an @ must not be shown, and where it ends nobody knows.
  if (text.includes('@')) return new Refusal('holds a user name; the write key goes in SEGMENT_WRITE_KEY.');
  if (!URL.canParse(text)) {
    const guess = `https://${text}`;
    const hint =
      text.length <= MAX_QUOTED_CHARS && URL.canParse(guess) ? ` Did you mean ${new URL(guess).origin}?` : '';
    return new Refusal(`is ${quoted(text)}; it must be an origin such as https://api.segment.io.${hint}`);
  }
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname))) {
    return new Refusal(
      'must begin with https://: every request carries the write key (http:// is for this machine alone).',
    );
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return new Refusal(`is more than an origin; give that alone (${quoted(url.origin)}), the path is added.`);
  }
  return url.origin;
});

/** @param says completes `must be `. */
export function matching(pattern: RegExp, says: string): Check<string> {
  return check(says, (text) =>
    pattern.test(text) ? text : new Refusal(`is ${quoted(text)}; it must be ${says}.`),
  );
}

/** Text that is never quoted. @param says completes `must be `. */
export function secret(pattern: RegExp, says: string): Check<string> {
  return check(says, (text) => (pattern.test(text) ? text : new Refusal(`must be ${says}.`)));
}

export interface TableColumn {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
}

/** Names as the catalogue has them: nothing is folded, quoted or guessed. */
export const tableColumn: Check<TableColumn> = check(
  'schema, table and column, as `public.opted_out.guest_id`',
  (text) => {
    const [, schema = '', table = '', column = ''] =
      /^([^."?\s]{1,63})\.([^."?\s]{1,63})\.([^."?\s]{1,63})$/.exec(text) ?? [];
    return column === ''
      ? new Refusal(
          `is ${quoted(text)}; it must be schema, table and column, such as public.opted_out.guest_id, without quotes.`,
        )
      : { schema, table, column };
  },
);

/** Contents of a PEM file. */
export const pem: Check<string> = check('PEM file', (text) =>
  text.includes('-----BEGIN ') ? text : new Refusal('holds no PEM block (-----BEGIN …).'),
);

/** Microseconds since 1970 of an ISO 8601 time with its zone. */
export const instant: Check<number> = check('time with its zone, as `2026-01-31T00:00:00Z`', (text) => {
  const [, day] = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  // The 31st of a month that has 30 days would be read as the next month's first.
  const ms = day !== undefined && isDay(day) ? Date.parse(text) : Number.NaN;
  return Number.isFinite(ms)
    ? ms * 1000
    : new Refusal(`is ${quoted(text)}; it must be a time with its zone, such as 2026-01-31T00:00:00Z.`);
});

function isDay(text: string): boolean {
  const ms = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(ms) && new Date(ms).toISOString().startsWith(text);
}

/** Further ones are not listed: a whole file may have been pasted. */
const MAX_UNKNOWN_EVENTS = 5;

function slug(event: string): string {
  return event.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '_');
}

/** Names of track events, from a comma list of names (`POS Activity`) or slugs (`pos_activity`). */
export function eventListOf(custom: CustomNames): Check<ReadonlySet<string>> {
  const known = [...EVENT_NAMES, ...custom.events];
  return check('`all`, or a comma list of event names or slugs, custom events among them', (text) => {
    if (text.toLowerCase() === 'all') return new Set(known);
    const wanted = text.split(',').map((item) => item.trim());
    const events = new Set<string>();
    const unknown: string[] = [];
    for (const item of wanted) {
      const found = known.find((name) => slug(name) === slug(item));
      if (found === undefined) unknown.push(`${quoted(item)} is no event.${didYouMean(item, known)}`);
      else events.add(found);
    }
    unknown.length = Math.min(unknown.length, MAX_UNKNOWN_EVENTS);
    if (unknown.length > 0) return new Refusal(`${unknown.join(' ')} Events: ${known.join(', ')}.`);
    return events;
  });
}

/** Traits from a comma list. */
export const traitList: Check<ReadonlySet<ContactTrait>> = check(
  `a comma list of ${CONTACT_TRAITS.join(', ')}`,
  (text) => {
    const traits = new Set<ContactTrait>();
    for (const item of text.split(',').map((each) => each.trim().toLowerCase())) {
      const found = CONTACT_TRAITS.find((name) => name === item);
      if (found === undefined) {
        const hint = didYouMean(item, CONTACT_TRAITS);
        return new Refusal(`has ${quoted(item)}; it may have ${CONTACT_TRAITS.join(' and ')}.${hint}`);
      }
      traits.add(found);
    }
    return traits;
  },
);

const MAX_WALLET_CODE_CHARS = 20;

/** Wallet codes are whole numbers in the reference schema, and whatever a mapping makes of them elsewhere. */
export const walletScope: Check<WalletScope> = check(
  '`all`, `visible`, or a comma list of wallet codes',
  (text) => {
    const word = text.trim().toLowerCase();
    if (word === 'all' || word === 'visible') return word;
    const codes = text.split(',').map((item) => item.trim());
    const wrong = codes.find(
      (code) => code === '' || code.length > MAX_WALLET_CODE_CHARS || /[\s\p{C}]/u.test(code),
    );
    if (wrong === undefined) return new Set(codes);
    return new Refusal(
      `has ${quoted(wrong)}, which is no wallet code; write all, visible, or codes such as 3,11.`,
    );
  },
);

/** Ids from a comma list; none of them for `*`, which stands for every merchant. */
export const merchantList: Check<ReadonlySet<string>> = check(
  '`*`, or a comma list of merchant_ids: whole numbers',
  (text) => {
    if (text === '*') return new Set<string>();
    const ids = text.split(',').map((item) => item.trim());
    const wrong = ids.find((id) => !/^[1-9]\d{0,18}$/.test(id));
    if (wrong === undefined) return new Set(ids);
    const which = ids.length === 1 ? `is ${quoted(text)}` : `has ${quoted(wrong)}`;
    return new Refusal(
      `${which}; it must be a merchant_id: a whole number, several with commas between, or * for all.`,
    );
  },
);

/**
 * Properties with what is done to them, from `last_name=mask, store_postal_code=truncate:3`. Of which type a custom event's
 * property is only the database knows: where it is no text, every rule drops it.
 */
export function privacyRulesOf(custom: CustomNames): Check<PrivacyRules> {
  const known = new Map<string, 'text' | 'other'>([
    ...custom.properties.map((name) => [name, 'text'] as const),
    ...REDACTABLE,
  ]);
  return check(
    'comma list of `property=drop`, `=mask`, `=hash` or `=truncate:<characters>`, those of custom events among them',
    (text) => {
      const rules = new Map<string, PrivacyRule>();
      for (const item of text.split(',').map((part) => part.trim())) {
        const [name = '', action = '', ...more] = item.split('=').map((part) => part.trim());
        const rule = more.length > 0 ? null : privacyRule(action);
        const kind = known.get(name);
        if (kind === undefined) {
          return new Refusal(`${quoted(name)} is no property or trait.${didYouMean(name, known.keys())}`);
        }
        if (rule === null) {
          return new Refusal(
            `says ${quoted(action)} of ${name}; it must be drop, mask, hash or truncate:<characters>.`,
          );
        }
        if (kind === 'other' && rule.tag !== 'drop') {
          return new Refusal(`says ${rule.tag} of ${name}, which is not text; it can only be dropped.`);
        }
        if (rules.has(name)) return new Refusal(`names ${name} twice.`);
        rules.set(name, rule);
      }
      return rules;
    },
  );
}
