import type { Fault as Answer } from '../../../src/demo/receiver-contract.js';
import type { Random } from '../../../src/demo/simulator/random.js';
import { hit, missed, type Fault, type Strike } from '../fault.js';

/** Every request in so many is answered so while the fault lasts. */
const SHARE = 0.6;
/** A fault goes on until it has met so many requests, or Segment is not asked for so long. */
const LEAST_MET = 3;
const MOST_MS = 15_000;
const POLL_MS = 100;

interface Kind {
  readonly name: string;
  readonly weight: number;
  /** `random` is the request's own. */
  readonly answer: (random: Random) => Answer;
}

const KINDS: readonly Kind[] = [
  {
    name: 'segment-429-seconds',
    weight: 2,
    answer: (random) => ({
      tag: 'status',
      status: 429,
      headers: { 'Retry-After': String(random.int(1, 3)) },
    }),
  },
  {
    name: 'segment-429-date',
    weight: 1,
    answer: (random) => ({
      tag: 'status',
      status: 429,
      headers: { 'Retry-After': new Date(Date.now() + random.int(1, 3) * 1_000).toUTCString() },
    }),
  },
  {
    name: 'segment-5xx',
    weight: 2,
    answer: (random) => ({
      tag: 'status',
      status: random.pick([500, 502, 503, 408]),
      accept: random.chance(0.2),
    }),
  },
  {
    name: 'segment-reset',
    weight: 2,
    answer: (random) => ({ tag: 'reset', accept: random.chance(0.5) }),
  },
  {
    name: 'segment-hang',
    weight: 1,
    answer: (random) => ({ tag: 'hang', accept: random.chance(0.5) }),
  },
  {
    name: 'segment-slow-body',
    weight: 1,
    answer: (random) => ({ tag: 'slow_body', ms: random.int(100, 5_000) }),
  },
  {
    name: 'segment-truncated',
    weight: 1,
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
    answer: (random) => ({ tag: 'delay', ms: random.int(3_200, 4_500) }),
  },
];

/** Lasts for `ms`, and on until it has met `least`. */
async function untilMet(
  { sleep }: Strike,
  lasts: { readonly ms: number; readonly least: number; readonly met: () => number },
): Promise<number> {
  await sleep(lasts.ms);
  for (let ms = lasts.ms; lasts.met() < lasts.least && ms < MOST_MS; ms += POLL_MS) await sleep(POLL_MS);
  return lasts.met();
}

const REFUSED_FOR_A_WHILE_MS = 3_000;

export const SEGMENT_FAULTS: readonly Fault[] = [
  ...KINDS.map(({ name, weight, answer }): Fault => ({
    name,
    area: 'segment',
    weight,
    strike: async (strike) => {
      const { site, random } = strike;
      const ms = random.int(1_000, 7_000);
      let asked = 0;
      let struck = 0;
      site.receiver.respondWith(
        site.deliveries.noting(() => {
          // By its number: what one request is answered does not depend on how many there were in the last strike.
          const own = random.fork((asked += 1));
          if (!own.chance(SHARE)) return null;
          struck += 1;
          return answer(own);
        }),
      );
      await untilMet(strike, { ms, least: LEAST_MET, met: () => struck });
      site.receiver.respondWith(null);
      const did = `${struck} of ${asked} requests`;
      return struck === 0 ? missed(did) : hit(did);
    },
  })),
  {
    name: 'segment-poison',
    area: 'segment',
    weight: 2,
    strike: async (strike) => {
      const { site, random } = strike;
      const ms = random.int(3_000, 10_000);
      const before = site.poison.refusals;
      site.receiver.respondWith(site.poison.script);
      const refused = await untilMet(strike, { ms, least: 1, met: () => site.poison.refusals - before });
      site.receiver.respondWith(null);
      const did = `${refused} calls refused alone`;
      return refused === 0 ? missed(did) : hit(did);
    },
  },
  {
    name: 'segment-401',
    area: 'segment',
    weight: 0.5,
    isLong: true,
    strike: async (strike) => {
      const { site } = strike;
      let refused = 0;
      site.receiver.respondWith(() => {
        refused += 1;
        return { tag: 'status', status: 401, body: '{"error":"unknown key"}' };
      });
      await untilMet(strike, { ms: REFUSED_FOR_A_WHILE_MS, least: 1, met: () => refused });
      site.receiver.respondWith(null);
      const did = `${refused} requests; probed each minute from then on`;
      return refused === 0 ? missed(did) : hit(did);
    },
  },
];
