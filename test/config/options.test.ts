import { describe, expect, it } from 'vitest';
import { OPTION_NAMES, OPTIONS } from '../../src/config/options.js';
import type { OptionSpec } from '../../src/config/option.js';

describe('the option table', () => {
  it.each(OPTION_NAMES)('%s is documented, says what it accepts, and its default is acceptable', (name) => {
    const spec: OptionSpec = OPTIONS[name];
    expect(spec.doc).toMatch(/^.{15,}\.$/);
    expect(spec.check.description).toBeTruthy();
    if (spec.default !== undefined) expect(spec.check.safeParse(spec.default).success).toBe(true);
  });

  it('marks everything secret that could be one', () => {
    const suspicious = OPTION_NAMES.filter((name) =>
      /_URL$|WRITE_KEY|HASH_KEY|_KEY_FILE$|PASSWORD|TOKEN/.test(name),
    );
    expect(suspicious.filter((name) => (OPTIONS[name] as OptionSpec).secret !== true)).toEqual([]);
  });

  it('lets no secret have a default', () => {
    const secrets = OPTION_NAMES.filter((name) => (OPTIONS[name] as OptionSpec).secret === true);
    expect(secrets.filter((name) => (OPTIONS[name] as OptionSpec).default !== undefined)).toEqual([]);
  });
});
