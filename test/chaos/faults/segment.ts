import type { Fault as Answer, ReceivedRequest } from '../../../src/demo/receiver-contract.js';
import type { Random } from '../../../src/demo/simulator/random.js';
import type { Doubles, Fault } from '../fault.js';

/** Every request in so many is answered so, at random, while the fault lasts. */
const SHARE = 0.6;

interface Kind {
  readonly name: string;
  readonly weight: number;
  readonly doubles: Doubles;
  readonly answer: (random: Random, request: ReceivedRequest) => Answer;
}

const KINDS: readonly Kind[] = [
  {
    name: 'segment-429-seconds',
    weight: 2,
    doubles: 'none',
    answer: (random) => ({
      tag: 'status',
      status: 429,
      headers: { 'Retry-After': String(random.int(1, 3)) },
    }),
  },
  {
    name: 'segment-429-date',
    weight: 1,
    doubles: 'none',
    answer: (random) => ({
      tag: 'status',
      status: 429,
      headers: { 'Retry-After': new Date(Date.now() + random.int(1, 3) * 1_000).toUTCString() },
    }),
  },
  {
    name: 'segment-5xx',
    weight: 2,
    doubles: 'request',
    answer: (random) => ({
      tag: 'status',
      status: random.pick([500, 502, 503, 408]),
      accept: random.chance(0.2),
    }),
  },
  {
    name: 'segment-reset',
    weight: 2,
    doubles: 'request',
    answer: (random) => ({ tag: 'reset', accept: random.chance(0.5) }),
  },
  {
    name: 'segment-hang',
    weight: 1,
    doubles: 'request',
    answer: (random) => ({ tag: 'hang', accept: random.chance(0.5) }),
  },
  {
    name: 'segment-slow-body',
    weight: 1,
    doubles: 'request',
    answer: (random) => ({ tag: 'slow_body', ms: random.int(100, 5_000) }),
  },
  {
    name: 'segment-truncated',
    weight: 1,
    doubles: 'request',
    // Who answers 200 has taken the calls; who answers 502 may have.
    answer: (random) =>
      random.chance(0.5)
        ? { tag: 'truncate', status: 200, body: '{"success":true}', accept: true }
        : { tag: 'truncate', status: 502, body: 'bad gateway', accept: random.chance(0.3) },
  },
  {
    // Later than the client waits: it has given up, and Segment takes the calls all the same.
    name: 'segment-late',
    weight: 1,
    doubles: 'request',
    answer: (random) => ({ tag: 'delay', ms: random.int(2_000, 4_500) }),
  },
];

/** Every request in it may have been taken and be sent again. */
const REFUSED_FOR_A_WHILE_MS = 3_000;

export const SEGMENT_FAULTS: readonly Fault[] = [
  ...KINDS.map(({ name, weight, doubles, answer }): Fault => ({
    name,
    area: 'segment',
    weight,
    doubles,
    strike: async ({ site, random, sleep }) => {
      const ms = random.int(1_000, 7_000);
      let struck = 0;
      site.receiver.respondWith((request) => {
        if (!random.chance(SHARE)) return null;
        struck += 1;
        return answer(random, request);
      });
      await sleep(ms);
      site.receiver.respondWith(null);
      return `${struck} requests in ${ms} ms`;
    },
  })),
  {
    name: 'segment-poison',
    area: 'segment',
    weight: 2,
    doubles: 'none',
    strike: async ({ site, random, sleep }) => {
      const ms = random.int(3_000, 10_000);
      const before = site.poison.refusedAlone.size;
      site.receiver.respondWith(site.poison.script);
      await sleep(ms);
      site.receiver.respondWith(null);
      return `${site.poison.refusedAlone.size - before} calls in ${ms} ms`;
    },
  },
  {
    name: 'segment-401',
    area: 'segment',
    weight: 0.5,
    doubles: 'none',
    strike: async ({ site, sleep }) => {
      site.receiver.respondWith(() => ({ tag: 'status', status: 401, body: '{"error":"unknown key"}' }));
      await sleep(REFUSED_FOR_A_WHILE_MS);
      site.receiver.respondWith(null);
      return `for ${REFUSED_FOR_A_WHILE_MS} ms; probed each minute from then on`;
    },
  },
];
