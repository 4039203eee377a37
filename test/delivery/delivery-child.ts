/** A deliver process to be killed. Arguments: Redis URL, receiver URL. Prints `started`. */
import { writeSync } from 'node:fs';
import { createDelivery } from '../../src/delivery/delivery.js';
import { delivering } from './settings.js';

const [url = '', host = ''] = process.argv.slice(2);
const delivery = createDelivery({
  redis: { url, tls: null },
  sources: [delivering(host, { rateLimitPerSecond: 2_000 })],
});
await delivery.start();
writeSync(1, 'started\n');
