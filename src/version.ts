/** What `context.library` says of the sender of an event. */
export const LIBRARY = { name: 'paytronix-segment-source', version: '1.0.0' } as const;
