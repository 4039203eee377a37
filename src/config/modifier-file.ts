import { labelOf, type RecordColumn } from '../mapping/columns.js';
import { EPOCH_UNITS, type EpochUnit, type Expression } from '../mapping/expression.js';
import { isZone, ZONES } from '../mapping/zones.js';
import type { ConstantReader } from './constant-file.js';
import { didYouMean } from '../errors/nearest.js';
import type { Entry, YamlNodes } from './yaml-nodes.js';

/** What is made of a value, in the order in which it is done. */
export const MODIFIERS = ['path', 'codes', 'true', 'scale', 'negate', 'abs', 'unit', 'zone'] as const;
type Modifier = (typeof MODIFIERS)[number];

type Kind = RecordColumn['type']['kind'];

/** Parts of a value that only some columns can hold the result of. */
const FORMS = {
  concat: { gives: 'text', kinds: ['key', 'text'] },
  id: { gives: 'an id', kinds: ['key', 'text'] },
  commit_time: { gives: 'a time', kinds: ['timestamptz'] },
  true: { gives: 'true or false', kinds: ['boolean'] },
  scale: { gives: 'a number', kinds: ['numeric'] },
  negate: { gives: 'a number', kinds: ['numeric'] },
  abs: { gives: 'a number', kinds: ['numeric'] },
  unit: { gives: 'a time', kinds: ['timestamptz'] },
  zone: { gives: 'a time', kinds: ['timestamptz'] },
} as const satisfies Readonly<Record<string, { readonly gives: string; readonly kinds: readonly Kind[] }>>;
type Form = keyof typeof FORMS;

export function isForm(part: string): part is Form {
  return Object.hasOwn(FORMS, part);
}

/** numeric has more digits; nobody counts money in smaller parts. */
export const MAX_SCALE = 18;

interface ModifierOptions {
  readonly modifier: Modifier;
  /** All parts of the value. */
  readonly forms: ReadonlyMap<string, Entry>;
  /** Null: it could not be read, which was reported. */
  readonly of: Expression | null;
  readonly name: string;
  /** What the result is for; null: for another modifier, or anything. */
  readonly column: RecordColumn | null;
}

export class ModifierReader {
  readonly #nodes: YamlNodes;
  readonly #constants: ConstantReader;

  constructor(nodes: YamlNodes, constants: ConstantReader) {
    this.#nodes = nodes;
    this.#constants = constants;
  }

  /** Whether a column can hold what a form gives; a problem otherwise. */
  suits(form: Form, { at }: Entry, name: string, column: RecordColumn | null): void {
    if (column === null) return;
    const { gives, kinds }: { readonly gives: string; readonly kinds: readonly Kind[] } = FORMS[form];
    const isFree = column.values === null && !column.isZone && !column.isCurrency;
    if (isFree && kinds.includes(column.type.kind)) return;
    this.#nodes.problem(`${at} ${name}`, `has ${form}, which gives ${gives}; it must be ${labelOf(column)}.`);
  }

  /** Null with a problem. */
  read({ modifier, forms, of, name, column }: ModifierOptions): Expression | null {
    const entry = forms.get(modifier);
    if (entry === undefined) return of;
    if (isForm(modifier)) this.suits(modifier, entry, name, column);
    switch (modifier) {
      case 'path': {
        const path = this.#path(entry, name);
        return of === null || path === null ? null : { kind: 'json', of, path };
      }
      case 'codes': {
        const codes = this.#constants.codes(entry, name, column);
        const otherwise = this.#otherwise(forms.get('else'), name, column);
        return of === null || codes === null || otherwise === null
          ? null
          : { kind: 'codes', of, codes, otherwise };
      }
      case 'true': {
        const trueWhen = this.#trueWhen(entry, name);
        return of === null || trueWhen === null ? null : { kind: 'truth', of, trueWhen };
      }
      case 'scale': {
        const digits = this.#digits(entry, name);
        return of === null || digits === null ? null : { kind: 'scaled', of, digits };
      }
      case 'negate':
      case 'abs': {
        const isAsked = this.#isTrue(entry, name);
        const sign = modifier === 'abs' ? 'absolute' : 'negated';
        return of === null || !isAsked ? null : { kind: 'signed', of, sign };
      }
      case 'unit': {
        const unit = this.#unit(entry, name);
        return of === null || unit === null ? null : { kind: 'epoch', of, unit };
      }
      case 'zone': {
        const zone = this.zone(entry, name);
        return of === null || zone === null ? null : { kind: 'zoned', of, zone };
      }
      default:
        return never(modifier);
    }
  }

  zone({ node, at }: Entry, name: string): string | null {
    const written = this.#nodes.written(node, name, at);
    if (written === null) return null;
    const { text, shown } = written;
    if (text !== null && isZone(text)) return text;
    const is = text === null ? 'null' : shown;
    const hint = didYouMean(text ?? '', ZONES);
    this.#nodes.problem(
      `${written.at} ${name}`,
      `has the zone ${is}; it must be an IANA time zone such as America/New_York.${hint}`,
    );
    return null;
  }

  #path(entry: Entry, name: string): readonly string[] | null {
    const texts = this.#constants.texts(entry, name);
    if (texts === null) return null;
    const path = this.#nodes.isList(entry.node) ? texts : texts.flatMap((text) => text.split('.'));
    if (!path.includes('')) return path;
    this.#nodes.problem(`${entry.at} ${name}`, 'has a path with an empty step.');
    return null;
  }

  #otherwise(
    entry: Entry | undefined,
    name: string,
    column: RecordColumn | null,
  ): (Expression & { kind: 'codes' })['otherwise'] | null {
    if (entry === undefined) return { keep: true };
    const written = this.#nodes.written(entry.node, name, entry.at);
    if (written === null) return null;
    if (written.text === 'keep') return { keep: true };
    const constant = this.#constants.read(entry, name, column);
    return constant === null ? null : { text: constant.value };
  }

  #trueWhen(entry: Entry, name: string): ReadonlySet<string> | 'set' | null {
    const texts = this.#constants.texts(entry, name);
    if (texts?.[0] === 'set' && !this.#nodes.isList(entry.node)) return 'set';
    return texts === null ? null : new Set(texts);
  }

  #isTrue({ key, node, at }: Entry, name: string): boolean {
    const written = this.#nodes.written(node, name, at);
    if (written === null || written.text === 'true') return written !== null;
    const is = written.text === null ? 'null' : written.shown;
    this.#nodes.problem(`${written.at} ${name}`, `has ${key} ${is}; it must be true, or be left out.`);
    return false;
  }

  #unit({ node, at }: Entry, name: string): EpochUnit | null {
    const written = this.#nodes.written(node, name, at);
    if (written === null) return null;
    const unit = EPOCH_UNITS.find((each) => each === written.text);
    if (unit !== undefined) return unit;
    const is = written.text === null ? 'null' : written.shown;
    this.#nodes.problem(
      `${written.at} ${name}`,
      `has the unit ${is}; it must be s, ms or us: what is counted since 1970.`,
    );
    return null;
  }

  #digits({ node, at }: Entry, name: string): number | null {
    const written = this.#nodes.written(node, name, at);
    if (written === null) return null;
    const digits = /^\d{1,2}$/.test(written.text ?? '') ? Number(written.text) : 0;
    if (digits >= 1 && digits <= MAX_SCALE) return digits;
    const is = written.text === null ? 'null' : written.shown;
    this.#nodes.problem(
      `${written.at} ${name}`,
      `has the scale ${is}; it must be a whole number, 1 to ${MAX_SCALE}.`,
    );
    return null;
  }
}

function never(modifier: never): never {
  throw new Error(`no such modifier: ${String(modifier)}`);
}
