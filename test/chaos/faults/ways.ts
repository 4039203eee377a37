import {
  IN_FLIGHT,
  IN_FLIGHT_TWICE,
  hit,
  missed,
  type Doubt,
  type Fault,
  type Outcome,
  type Strike,
} from '../fault.js';
import { PASS, type TcpProxy, type WayMode } from '../../support/tcp-proxy.js';

interface StruckWay {
  readonly proxy: TcpProxy;
  readonly label: string;
  readonly role: string;
}

function anyWay({ site, random }: Strike): StruckWay {
  const { name, role } = random.pick(site.fleet.members);
  const ways = site.ways.get(name) ?? {};
  const proxies = Object.entries(ways).filter((entry): entry is [string, TcpProxy] => entry[1] !== null);
  const [part, proxy] = random.pick(proxies);
  return { proxy, label: `${name} to ${part}`, role };
}

function doing({ role }: StruckWay, doubt: Doubt): Pick<Outcome, 'doubt' | 'interruptsCapture'> {
  return role === 'capture'
    ? { doubt: { tag: 'none' }, interruptsCapture: true }
    : { doubt, interruptsCapture: false };
}

function during(name: string, weight: number, mode: (strike: Strike) => WayMode, mostMs: number): Fault {
  return {
    name,
    area: 'way',
    weight,
    strike: async (strike) => {
      const way = anyWay(strike);
      const { proxy, label } = way;
      const chosen = mode(strike);
      const ms = strike.random.int(500, mostMs);
      const { met } = proxy;
      const openBefore = chosen.tag === 'refuse' ? 0 : proxy.connections;
      proxy.set(chosen);
      await strike.sleep(ms);
      proxy.set(PASS);
      const detail = chosen.tag === 'one-way' ? `, ${chosen.blocked} blocked` : '';
      const used = openBefore + proxy.met - met;
      const did = `${label}${detail} for ${ms} ms, ${used} connections`;
      return used === 0 ? missed(did) : hit(did, doing(way, IN_FLIGHT_TWICE));
    },
  };
}

export const WAY_FAULTS: readonly Fault[] = [
  {
    name: 'way-cut',
    area: 'way',
    weight: 3,
    strike: async (strike) => {
      const way = anyWay(strike);
      const open = way.proxy.connections;
      way.proxy.cut();
      const did = `${way.label}, ${open} connections`;
      return open === 0 ? missed(did) : hit(did, doing(way, IN_FLIGHT));
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
