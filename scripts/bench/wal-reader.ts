/** A bare reader: pg-logical-replication with its own parser, which drops everything it reads. */
import { LogicalReplicationService, PgoutputPlugin } from 'pg-logical-replication';
import { parseLsn } from '../../src/postgres/lsn.js';
import { nowMs, programArguments, tellTimes } from './program.js';

const { url, slotName, publicationName, endLsn } = programArguments<
  'url' | 'slotName' | 'publicationName' | 'endLsn'
>();
const end = parseLsn(endLsn);
const service = new LogicalReplicationService(
  { connectionString: url },
  { acknowledge: { auto: false, timeoutSeconds: 0 } },
);
let startedMs = 0;
service.on('start', () => {
  startedMs = nowMs();
});
const endAt = (lsn: string): void => {
  if (parseLsn(lsn) < end) return;
  tellTimes({ startedMs, endedMs: nowMs() });
  process.exit(0);
};
service.on('data', (_, message: { tag: string; commitEndLsn?: string | null }) => {
  if (message.tag === 'commit') endAt(message.commitEndLsn ?? '0/0');
});
// Where other databases write too, the end is not the end of a commit.
service.on('heartbeat', (lsn) => endAt(lsn));
// An error also ends the subscription, which then throws it.
service.on('error', () => undefined);
await service.subscribe(
  new PgoutputPlugin({ protoVersion: 1, publicationNames: [publicationName] }),
  slotName,
);
