/**
 * A capture process to be killed: offers transactions `from`..`to` (two calls each, two lanes) and prints the number of each
 * as it settles. Arguments: Redis URL, from, to.
 */
import { createEventSink } from '../../src/queue/event-sink.js';
import { eventCall, transaction } from './sample-calls.js';

const [url = '', from = '1', to = '1'] = process.argv.slice(2);
const sink = createEventSink({ redis: { url, tls: null }, sources: [{ name: 'default', lanes: 2 }] });
await sink.start();
for (let n = Number(from); n <= Number(to); n += 1) {
  const calls = [
    eventCall(`m${n}a`, { account: String(n % 7), key: '1' }),
    eventCall(`m${n}b`, { account: String(n % 5), key: '2' }),
  ];
  await sink.offer(transaction(n, calls, () => void process.stdout.write(`${n}\n`)));
}
await sink.flush();
await sink.close();
