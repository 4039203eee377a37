import type { JoinedRow, ReadingContext } from './evaluate.js';

/** A changed row with what its joins meet and when it was committed: all that an expression may ask for. */
export interface JoinedCommit extends JoinedRow, ReadingContext {}
