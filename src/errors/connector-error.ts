import { ERROR_POLICY, type ErrorCode } from './codes.js';

/** The one error class whose instances carry a decision: what the connector does next and what the operator can do. */
export class ConnectorError extends Error {
  override readonly name = 'ConnectorError';
  readonly code: ErrorCode;
  /** Facts for the log line: table and column names, positions, addresses. Never row values or secrets. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; facts?: Record<string, string | number | boolean | null> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.facts = options.facts ?? {};
  }

  get action(): (typeof ERROR_POLICY)[ErrorCode]['action'] {
    return ERROR_POLICY[this.code].action;
  }

  get advice(): string {
    return ERROR_POLICY[this.code].advice;
  }
}

/** What was thrown, as an Error: libraries may reject with anything. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
