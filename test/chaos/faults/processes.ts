import type { Fault, Strike } from '../fault.js';

function anyMember({ site, random }: Strike): string {
  return random.pick(site.fleet.members).name;
}

export const PROCESS_FAULTS: readonly Fault[] = [
  {
    name: 'kill',
    area: 'process',
    weight: 6,
    doubles: 'request',
    strike: async (strike) => {
      const name = anyMember(strike);
      return strike.site.fleet.kill(name) ? name : `${name} was down`;
    },
  },
  {
    name: 'kill-all',
    area: 'process',
    weight: 1,
    doubles: 'request',
    strike: async ({ site }) => {
      for (const { name } of site.fleet.members) site.fleet.kill(name);
      return 'all four';
    },
  },
  {
    name: 'freeze',
    area: 'process',
    weight: 4,
    doubles: 'request',
    strike: async (strike) => {
      const name = anyMember(strike);
      const ms = strike.random.int(500, 14_000);
      const frozen = await strike.site.fleet.freeze(name);
      if (frozen === null) return `${name} was down`;
      await strike.sleep(ms);
      await frozen.thaw();
      return `${name} for ${ms} ms`;
    },
  },
  {
    name: 'drain',
    area: 'process',
    weight: 3,
    doubles: 'request',
    strike: async (strike) => {
      const name = anyMember(strike);
      const ending = await strike.site.fleet.drain(name);
      return ending === null ? `${name} was down` : `${name}, exit ${ending.code ?? ending.signal ?? ''}`;
    },
  },
];
