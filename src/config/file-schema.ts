import { mappingSchema } from './mapping-schema.js';
import { OPTION_NAMES, OPTIONS, SOURCE_OPTION_NAMES, type OptionName } from './options.js';
import type { OptionSpec } from './option.js';
import { keyOf, SOURCE_NAME, sourceKeyOf } from './settings-file.js';

/** A list stands for a comma list. */
const VALUE = {
  anyOf: [
    { type: ['string', 'number', 'boolean'] },
    { type: 'array', minItems: 1, items: { type: ['string', 'number', 'boolean'] } },
  ],
};

const PAIRS = { type: 'object', additionalProperties: { type: 'string' } };

/**
 * JSON Schema (draft-07) of `connector.yaml`, for an editor's completion: which keys there are and what they mean. Whether
 * a value is right the connector says itself, for `${NAME}` and `file:` stand for values that an editor does not know.
 */
export function settingsFileSchema(): object {
  const { definitions, properties: sections } = mappingSchema();
  const source = properties(SOURCE_OPTION_NAMES, sourceKeyOf);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'connector.yaml of paytronix-segment-source',
    type: 'object',
    additionalProperties: false,
    definitions,
    properties: {
      ...properties(
        OPTION_NAMES.filter((name) => name !== 'CONFIG_FILE'),
        keyOf,
      ),
      sources: {
        description: 'The Segment sources, each with what it sets for itself.',
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['name'],
          properties: {
            name: {
              description: 'What queues, metrics and commands call the source.',
              type: 'string',
              pattern: SOURCE_NAME.source,
            },
            ...source,
          },
        },
      },
      ...sections,
    },
  };
}

function properties(names: readonly OptionName[], key: (name: OptionName) => string): Record<string, object> {
  return Object.fromEntries(
    names.map((name) => {
      const spec: OptionSpec = OPTIONS[name];
      const standing = spec.default === undefined ? '' : ` Default: ${spec.default}.`;
      const accepts = `Accepts: ${spec.check.description ?? ''}.`;
      const description = `${spec.doc} ${accepts}${standing}`.replaceAll('`', '');
      return [key(name), { description, anyOf: spec.pairs === true ? [...VALUE.anyOf, PAIRS] : VALUE.anyOf }];
    }),
  );
}
