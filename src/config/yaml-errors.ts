import type { ErrorCode, YAMLError } from 'yaml';

/** What is wrong with a text that is no YAML, at this offset of it. */
export interface YamlError {
  readonly offset: number;
  /** The predicate of a sentence about the place; without a word of the text, which may be a secret. */
  readonly says: string;
}

/** What to do about it, where the code alone does not say so. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: 'it is indented with a tab; use blanks',
  BAD_INDENT: 'indent it as far as the lines it belongs with, or close the bracket or brace before it',
  BLOCK_AS_IMPLICIT_KEY:
    'a value stands beside a key and has a colon and a blank in it, or lines below it that are indented further; put it in quotes',
  MULTILINE_IMPLICIT_KEY: 'a key needs a colon and a blank behind it',
  MISSING_CHAR: 'a quote, a bracket, a brace or a comma is missing before this place',
  BAD_SCALAR_START: 'a value that begins with this character needs quotes',
  BAD_DQ_ESCAPE: 'a backslash within double quotes begins an escape; use single quotes',
  UNEXPECTED_TOKEN: 'what stands here does not belong behind what stands before it; a value may need quotes',
  MULTIPLE_DOCS: 'one document a file: leave out the line of three hyphens',
};
const REFERENCE_IN_BRACES = 'put quotes around ${…} where it stands within braces or brackets';

/** Behind the first of these the rest of the text is read as what it is not, so nothing more is said of it. */
const LEAVES_THE_REST_READABLE: ReadonlySet<ErrorCode> = new Set(['DUPLICATE_KEY']);

/** Errors of the parser in words that help: all up to the first of the grammar, and none behind it. */
export function yamlErrors(errors: readonly YAMLError[], text: string): YamlError[] {
  const firstOfGrammar = errors.findIndex(({ code }) => !LEAVES_THE_REST_READABLE.has(code));
  const told = firstOfGrammar < 0 ? errors : errors.slice(0, firstOfGrammar + 1);
  return told.map(({ code, pos: [offset] }) => {
    const isReference = text[offset] === '{' && text[offset - 1] === '$';
    const advice = isReference ? REFERENCE_IN_BRACES : ADVICE[code];
    const name = code.toLowerCase().replaceAll('_', ' ');
    return { offset, says: `is not YAML (${name})${advice === undefined ? '' : `: ${advice}`}.` };
  });
}
