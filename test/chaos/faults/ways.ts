import type { Fault, Strike } from '../fault.js';
import { PASS, type TcpProxy, type WayMode } from '../../support/tcp-proxy.js';

function anyWay({ site, random }: Strike): { proxy: TcpProxy; label: string } {
  const [name, ways] = random.pick([...site.ways]);
  const proxies = Object.entries(ways).filter((entry): entry is [string, TcpProxy] => entry[1] !== null);
  const [part, proxy] = random.pick(proxies);
  return { proxy, label: `${name} to ${part}` };
}

function during(name: string, weight: number, mode: (strike: Strike) => WayMode, mostMs: number): Fault {
  return {
    name,
    area: 'way',
    weight,
    doubles: 'request',
    strike: async (strike) => {
      const { proxy, label } = anyWay(strike);
      const chosen = mode(strike);
      const ms = strike.random.int(500, mostMs);
      proxy.set(chosen);
      await strike.sleep(ms);
      proxy.set(PASS);
      const detail = chosen.tag === 'one-way' ? `, ${chosen.blocked} blocked` : '';
      return `${label}${detail} for ${ms} ms`;
    },
  };
}

export const WAY_FAULTS: readonly Fault[] = [
  {
    name: 'way-cut',
    area: 'way',
    weight: 3,
    doubles: 'request',
    strike: async (strike) => {
      const { proxy, label } = anyWay(strike);
      proxy.cut();
      return label;
    },
  },
  during('way-half-open', 3, () => ({ tag: 'hold' }), 16_000),
  during(
    'way-one-way',
    2,
    ({ random }) => ({ tag: 'one-way', blocked: random.pick(['up', 'down']) }),
    12_000,
  ),
  during('way-slow', 2, ({ random }) => ({ tag: 'slow', delayMs: random.int(20, 400) }), 8_000),
  during('way-refused', 1, () => ({ tag: 'refuse' }), 4_000),
];
