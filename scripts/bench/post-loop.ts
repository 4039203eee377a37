/** Posts ready-made bodies one after the other with the connector's HTTP client: nobody can be faster in order. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { nowMs, programArguments, tellTimes } from './program.js';

const { file, url, writeKey } = programArguments<'file' | 'url' | 'writeKey'>();
// As buffers: a file of all bodies is longer than a string may be.
const content = readFileSync(file);
const bodies: Buffer[] = [];
for (let at = 0; at < content.length;) {
  const end = content.indexOf(0x0a, at);
  bodies.push(content.subarray(at, end));
  at = end + 1;
}
const dispatcher = new Agent({ connections: 1, pipelining: 1 });
const headers = {
  'Content-Type': 'application/json',
  Authorization: `Basic ${Buffer.from(`${writeKey}:`).toString('base64')}`,
};
const startedMs = nowMs();
for (const body of bodies) {
  const response = await request(`${url}/v1/batch`, { dispatcher, method: 'POST', headers, body });
  await response.body.dump();
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
}
tellTimes({ startedMs, endedMs: nowMs() });
await dispatcher.close();
