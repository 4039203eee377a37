import { OPTION_NAMES, OPTIONS } from '../config/options.js';
import type { OptionGroup, OptionSpec } from '../config/option.js';

const WIDTH = 110;
const INDENT = 4;

/** The options of some groups (default: all), as the end of a command's help. */
export function configurationHelp(groups?: readonly OptionGroup[]): string {
  const lines = ['', 'Environment:'];
  let group: OptionGroup | null = null;
  for (const name of OPTION_NAMES) {
    const spec: OptionSpec = OPTIONS[name];
    if (groups?.includes(spec.group) === false) continue;
    if (spec.group !== group && groups?.length !== 1) lines.push('', ` ${spec.group}`);
    group = spec.group;
    const names = spec.file === 'also' ? `${name}, or ${name}_FILE` : name;
    const standing = spec.default === undefined ? '' : ` (default: ${spec.default})`;
    lines.push(
      `  ${names}${standing}`,
      ...wrapped(plain(`${spec.doc} Accepts: ${spec.check.description ?? ''}.`)),
    );
  }
  return lines.join('\n');
}

function plain(markdown: string): string {
  return markdown.replaceAll('`', '');
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && INDENT + line.length + 1 + word.length > WIDTH) {
      lines.push(' '.repeat(INDENT) + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, ' '.repeat(INDENT) + line];
}
