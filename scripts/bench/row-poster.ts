/** A bare reader that posts the row of each header the moment it is read, as a request of its own. Ends by a signal. */
import { LogicalReplicationService, PgoutputPlugin, type Pgoutput } from 'pg-logical-replication';
import { Agent, request } from 'undici';
import { programArguments } from './program.js';

const { url, slotName, publicationName, target } = programArguments<
  'url' | 'slotName' | 'publicationName' | 'target'
>();
const dispatcher = new Agent({ connections: 16, pipelining: 1 });
const service = new LogicalReplicationService(
  { connectionString: url },
  { acknowledge: { auto: true, timeoutSeconds: 10 } },
);
const fail = (error: unknown): never => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
};

async function post(row: Record<string, unknown>): Promise<void> {
  const messageId = `px-${String(row['merchant_id'])}-pos_activity-${String(row['transaction_id'])}`;
  const call = { type: 'track', event: 'row', messageId, userId: String(row['account_id']), properties: row };
  const { body } = await request(`${target}/v1/batch`, {
    dispatcher,
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ batch: [call] }),
  });
  await body.dump();
}

service.on('data', (_, message: Pgoutput.Message) => {
  if (message.tag === 'insert' && message.relation.name.startsWith('transaction')) {
    post(message.new as Record<string, unknown>).catch(fail);
  }
});
service.on('error', fail);
await service.subscribe(
  new PgoutputPlugin({ protoVersion: 1, publicationNames: [publicationName] }),
  slotName,
);
