import { Memo } from '../records/memo.js';
import { LIBRARY } from '../version.js';

const LIBRARY_JSON = JSON.stringify(LIBRARY);
const contexts = new Memo<string, string>(500);

/** The `context` of every call: who sends it, and the zone it happened in. */
export function contextOf(zone: string): string {
  return contexts.of(zone, (name) => `{"library":${LIBRARY_JSON},"timezone":${JSON.stringify(name)}}`);
}
