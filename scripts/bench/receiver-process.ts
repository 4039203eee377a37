/**
 * A stand-in for Segment that costs as little as it can, in a process of its own: it notes message ids and times, and answers
 * before it looks. The strict one of the demo parses every call, which would take the core that is being measured.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SlidingSecond } from '../../src/demo/segment-rules.js';
import type { ReceiverCommand, ReceiverReply, Taken } from './receiver.js';

const MESSAGE_ID = Buffer.from('"messageId":"');
const QUOTE = 0x22;
const ANSWER = '{"success":true}';

let delayMs = 0;
let most: number | null = null;
let second = new SlidingSecond();
let taken: Taken = emptied();
let events = 0;

function emptied(): Taken {
  return { messageIds: [], requests: [], limited: 0 };
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

function idsIn(body: Buffer): string[] {
  const ids: string[] = [];
  for (let at = body.indexOf(MESSAGE_ID); at !== -1; at = body.indexOf(MESSAGE_ID, at)) {
    at += MESSAGE_ID.length;
    ids.push(body.toString('latin1', at, body.indexOf(QUOTE, at)));
  }
  return ids;
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const atMs = now();
    const answer = (status: number): void => {
      response.writeHead(status, {
        'Content-Type': 'application/json',
        'Content-Length': ANSWER.length,
        ...(status === 429 ? { 'Retry-After': '1' } : {}),
      });
      response.end(ANSWER);
    };
    const note = (ids: readonly string[]): void => {
      for (const id of ids) taken.messageIds.push(id);
      taken.requests.push({ atMs, events: ids.length });
      events += ids.length;
    };
    if (most !== null) {
      const ids = idsIn(Buffer.concat(chunks));
      if (second.count(atMs) + ids.length > most) {
        taken.limited += 1;
        answer(429);
        return;
      }
      second.add(atMs, ids.length);
      note(ids);
      answer(200);
    } else if (delayMs > 0) {
      setTimeout(() => answer(200), delayMs);
      note(idsIn(Buffer.concat(chunks)));
    } else {
      answer(200);
      note(idsIn(Buffer.concat(chunks)));
    }
  });
});

process.on('message', ({ id, command }: { id: number; command: ReceiverCommand }) => {
  const reply = (value: ReceiverReply): void => void process.send?.({ id, value });
  switch (command.tag) {
    case 'begin':
      ({ delayMs, most } = command);
      second = new SlidingSecond();
      taken = emptied();
      events = 0;
      reply({ port: (server.address() as AddressInfo).port });
      return;
    case 'count':
      reply({ events });
      return;
    case 'take':
      reply(taken);
      taken = emptied();
      return;
    default: {
      const never: never = command;
      throw new Error(`unknown command ${JSON.stringify(never)}`);
    }
  }
});
// Whoever started it is gone.
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send?.({ id: 0, value: {} }));
