import { EVENT_NAMES, type EventName } from '../event.js';
import { CATALOGUE } from './catalogue.js';
import { OWN_PROPERTIES } from './event-properties.js';
import { labelOf, type PropertyTable } from './kinds.js';
import { ACCOUNT, PERSON, PLACE, TRAITS, WALLETS, WALLET_DETAIL } from './shared-properties.js';

const INTRODUCTION = `# Events

Generated from \`src/events/schema\`, which also checks every event before it is queued; the same as JSON Schema is in
[tracking-plan.json](tracking-plan.json). The names of the events and of the sixteen shared properties are Segment's
public catalogue; types, shapes and everything else here are this project's decisions.

Ids and codes are strings (only \`merchant_id\` is a number), money and points exact JSON numbers, times RFC 3339 in UTC
with milliseconds, truncated. A property without a value is null; one that says "only there" may be absent. A property's
NaN, infinity, or time outside the years 1–9999 becomes null and is counted.

## Every call

- **userId**: only where a registered guest stands behind the account. By setting of the source the account id (default),
  the guest id, the number of the account's primary card (its keyed hash where the source sends card numbers hashed;
  none where it sends them masked, as six characters do not name one person) or the external account code, after the
  source's prefix. An account that lacks the value named is sent without userId.
- **anonymousId**: always; UUIDv5 of \`px:<merchant>:account:<account_id>\`, so that a card's history is joined to the guest
  who registers it later.
- **messageId**: \`px-<merchant>-<slug>-<key>\`. A key that would make it 100 characters or more, or that holds anything but
  printable ASCII, is replaced by \`h\` and the first 40 hexadecimal digits of its SHA-256.
- **timestamp**: when the guest acted. A till's time counts if it lies from 30 days before to 5 minutes after posting;
  otherwise the posting time is sent with \`clock_suspect: true\`. A local time that the clocks skip or repeat is read in
  standard time, as PostgreSQL does. A row without the time named is sent with its commit's time.
- **context.timezone**: the store's, else the merchant's default.
`;

function heading(name: EventName): string {
  const entry = CATALOGUE[name];
  return [
    `## ${name}`,
    '',
    `${entry.summary}`,
    '',
    `- **Fires on** ${entry.firesOn}.`,
    `- **Not for** ${entry.notFor}.`,
    `- **Key** ${entry.key} (\`px-<merchant>-${entry.slug}-<key>\`); **timestamp** ${entry.timestamp}.`,
    '',
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** Columns padded to one width, as the formatter of this repository leaves them. */
function propertyRows(table: PropertyTable): string {
  const rows = Object.entries(table).map(([name, spec]) => {
    const kind = `${labelOf(spec)}${spec.nullable === true ? ' or null' : ''}${spec.optional === true ? ', optional' : ''}`;
    return [`\`${name}\``, kind, cell(spec.doc)];
  });
  const all = [['name', 'type', 'meaning'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [...all.slice(0, 1).map(line), rule, ...all.slice(1).map(line), ''].join('\n');
}

/** Text of `docs/events.md`. */
export function renderEventsDoc(): string {
  const shared: PropertyTable = { ...PERSON, ...PLACE, ...WALLETS, ...ACCOUNT };
  const identify = `## identify

Sent just before Loyalty Registration (\`px-<merchant>-identify-registration-<account_id>\`) and, for a registered guest,
just before Identify Customer (\`px-<merchant>-identify-<its key>\`), with the same timestamp, unless the source turns it off.
`;
  return [
    INTRODUCTION,
    '## Properties of every event\n',
    propertyRows(shared),
    'Each row of `all_wallets_info`:\n',
    propertyRows(WALLET_DETAIL),
    ...EVENT_NAMES.flatMap((name) => [heading(name), propertyRows(OWN_PROPERTIES[name])]),
    identify,
    propertyRows(TRAITS),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}
