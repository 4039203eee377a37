/** What is done to a property before it leaves. */
export type PrivacyRule =
  /** Sent as null: the key stays, as every event has all its keys. */
  | { readonly tag: 'drop' }
  /** The first character and three stars: how long it is does not show. */
  | { readonly tag: 'mask' }
  /** HMAC-SHA256, hexadecimal, with the source's key: equal values stay equal. */
  | { readonly tag: 'hash' }
  | { readonly tag: 'truncate'; readonly chars: number };

/** By the property's name, for track properties and identify traits alike. */
export type PrivacyRules = ReadonlyMap<string, PrivacyRule>;

export interface Privacy {
  readonly rules: PrivacyRules;
  /** Set when a rule hashes. */
  readonly hashKey: string | null;
}

const ACTIONS = ['drop', 'mask', 'hash', 'truncate'] as const;

/** `null` when it is none of `drop`, `mask`, `hash` and `truncate:<characters>`. */
export function privacyRule(text: string): PrivacyRule | null {
  const [name = '', chars, ...more] = text.split(':').map((part) => part.trim());
  const tag = ACTIONS.find((action) => action === name.toLowerCase());
  if (tag === undefined || more.length > 0) return null;
  if (tag !== 'truncate') return chars === undefined ? { tag } : null;
  return chars !== undefined && /^[1-9]\d{0,2}$/.test(chars) ? { tag, chars: Number(chars) } : null;
}
