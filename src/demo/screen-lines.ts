import type { ReceivedCall } from './received-call.js';
import { CALL_NAMES, type Tally, type Verdict } from './verify.js';

/** Puts a colour around a text, or nothing where there are no colours. */
export type Paint = (text: string, colour: Colour) => string;
export type Colour =
  'dim' | 'bold' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'white' | 'orange';

const CODES: Readonly<Record<Colour, string>> = {
  dim: '2',
  bold: '1',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  magenta: '35',
  cyan: '36',
  white: '37',
  orange: '38;5;208',
};

export const plain: Paint = (text) => text;
export const coloured: Paint = (text, colour) => `\u001b[${CODES[colour]}m${text}\u001b[0m`;

const EVENT_COLOURS: Readonly<Record<string, Colour>> = {
  'Loyalty Registration': 'green',
  'Web Registration': 'green',
  'Check-In': 'cyan',
  'Identify Customer': 'blue',
  'POS Activity': 'white',
  'Add/Redeem': 'yellow',
  'Recharge Value': 'magenta',
  Referral: 'orange',
  'Survey Completion': 'red',
  identify: 'dim',
};

const NAME_WIDTH = 20;
const LATENCY_WIDTH = 9;
const CLOCK_WIDTH = 12;

/** One arrival: when, what, who, where, how late. */
export function eventLine(call: ReceivedCall, columns: number, paint: Paint): string {
  // Clock, name and latency are fixed; who and where share the rest.
  const rest = Math.max(24, columns - CLOCK_WIDTH - NAME_WIDTH - LATENCY_WIDTH - 4);
  const whoWidth = Math.ceil(rest * 0.5);
  const clock = new Date(call.arrivedAtMs).toISOString().slice(11, 23);
  const latency = call.happenedAtMs === null ? '' : latencyText(call.arrivedAtMs - call.happenedAtMs);
  return [
    paint(clock, 'dim'),
    paint(fit(call.name, NAME_WIDTH), EVENT_COLOURS[call.name] ?? 'bold'),
    fit(who(call), whoWidth),
    fit(call.storeName ?? '', rest - whoWidth),
    paint(latency.padStart(LATENCY_WIDTH), 'dim'),
  ].join(' ');
}

/** First name and initial; of the card, whose number can spend what is on it, only the last four digits. */
function who(call: ReceivedCall): string {
  const initial = call.lastName === null || call.lastName === '' ? null : `${[...call.lastName][0]}.`;
  const name = [call.firstName, initial].filter((part) => part !== null).join(' ');
  const card = call.cardNumber === null ? '' : `··${call.cardNumber.slice(-4)}`;
  if (name === '' && card === '') return 'no account';
  return [name === '' ? 'unregistered' : name, card].filter((part) => part !== '').join(' ');
}

export interface Status {
  /** Calls that arrived in the last second. */
  readonly perSecond: number;
  readonly received: number;
  readonly commits: number;
  /** Calls waiting in Redis; null unknown. */
  readonly queued: number | null;
  /** Median of the last second, from the act to its receipt; null without any. */
  readonly lagMs: number | null;
  /** What is going on, e.g. `18 s left`. */
  readonly phase: string;
}

export function statusLine(status: Status, columns: number): string {
  const parts = [
    status.phase,
    `${status.perSecond}/s`,
    `${grouped(status.commits)} commits`,
    `${grouped(status.received)} received`,
    status.queued === null ? null : `${grouped(status.queued)} queued`,
    status.lagMs === null ? null : `lag ${latencyText(status.lagMs)}`,
  ];
  return fit(` ${parts.filter((part) => part !== null).join(' │ ')}`, columns);
}

interface Column {
  readonly title: string;
  readonly width: number;
  readonly value: (tally: Tally) => string;
  /** A value other than 0 is a fault. */
  readonly fault?: boolean;
}

const count = (value: (tally: Tally) => number) => (tally: Tally) => String(value(tally));

/** 20 for the name and these: 80 with a blank between. */
const COLUMNS: readonly Column[] = [
  { title: 'expected', width: 8, value: count(({ expected }) => expected) },
  { title: 'received', width: 8, value: count(({ received }) => received) },
  { title: 'missing', width: 7, value: count(({ missing }) => missing), fault: true },
  { title: 'extra', width: 5, value: count(({ extra }) => extra), fault: true },
  { title: 'again', width: 5, value: count(({ again }) => again) },
  { title: 'wrong', width: 5, value: count(({ wrong }) => wrong), fault: true },
  { title: 'order', width: 5, value: count(({ outOfOrder }) => outOfOrder), fault: true },
  { title: 'p50', width: 4, value: ({ p50Ms }) => shortMs(p50Ms) },
  { title: 'p99', width: 4, value: ({ p99Ms }) => shortMs(p99Ms) },
];

const RULE = '─'.repeat(NAME_WIDTH + COLUMNS.reduce((sum, { width }) => sum + width + 1, 0));
const LEGEND = [
  'again: deliveries beyond the rows that imply them, which Segment drops by id',
  'wrong: other balances, time, account or user than the tables give',
  'order: arrived before an earlier one of its account',
  'p50, p99: milliseconds from commit to receipt',
];

/** The comparison, a row per event, with what it means below. */
export function verdictTable(verdict: Verdict, paint: Paint): string[] {
  const heading = [
    'event'.padEnd(NAME_WIDTH),
    ...COLUMNS.map(({ title, width }) => title.padStart(width)),
  ].join(' ');
  const names = [...verdict.byName.keys()].toSorted((a, b) => rankOf(a) - rankOf(b));
  return [
    RULE,
    paint(heading, 'bold'),
    RULE,
    ...names.flatMap((name) => {
      const tally = verdict.byName.get(name);
      return tally === undefined ? [] : [tableRow(name, tally, paint)];
    }),
    RULE,
    tableRow('all', verdict.total, paint),
    RULE,
    ...LEGEND.map((line) => paint(line, 'dim')),
  ];
}

function rankOf(name: string): number {
  const index = CALL_NAMES.findIndex((known) => known === name);
  return index < 0 ? CALL_NAMES.length : index;
}

function tableRow(name: string, tally: Tally, paint: Paint): string {
  const cells = COLUMNS.map(({ width, value, fault }) => {
    const text = value(tally).padStart(width);
    return fault === true && text.trim() !== '0' ? paint(text, 'red') : text;
  });
  return [paint(fit(name, NAME_WIDTH), EVENT_COLOURS[name] ?? 'bold'), ...cells].join(' ');
}

const MAX_FINDINGS = 12;

/** One sentence, and the first of what differs. Message ids hold no personal data. */
export function verdictLines(verdict: Verdict, paint: Paint): string[] {
  if (verdict.ok) {
    return [
      paint(
        `Every call arrived, with its balances and in order: ${grouped(verdict.total.received)} of ${grouped(verdict.total.expected)}.`,
        'green',
      ),
    ];
  }
  const { missing, extra, wrong, outOfOrder } = verdict.total;
  const lines = [
    paint(
      `Not as committed: ${missing} missing, ${extra} extra, ${wrong} wrong, ${outOfOrder} out of order.`,
      'red',
    ),
  ];
  for (const { kind, messageId, detail } of verdict.findings.slice(0, MAX_FINDINGS)) {
    lines.push(`  ${kind.padEnd(12)} ${messageId}${detail === '' ? '' : `  ${detail}`}`);
  }
  const more = verdict.findings.length - MAX_FINDINGS;
  return more > 0 ? [...lines, `  and ${grouped(more)} more`] : lines;
}

/** Left-aligned in exactly `width` characters. */
function fit(text: string, width: number): string {
  const characters = [...text];
  return characters.length > width ? `${characters.slice(0, width - 1).join('')}…` : text.padEnd(width);
}

function latencyText(ms: number): string {
  // Clocks of a till's own making: an act dated in the past says nothing about the pipeline.
  if (ms < 0 || ms > 600_000) return '';
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

function shortMs(ms: number | null): string {
  if (ms === null) return '-';
  return ms < 9_999.5 ? String(Math.round(ms)) : `${Math.round(ms / 1_000)}s`;
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
