import { IN_FLIGHT, IN_FLIGHT_TWICE, hit, missed, type Doubt, type Fault, type Strike } from '../fault.js';
import type { Member } from '../fleet.js';

function anyMember({ site, random }: Strike): Member {
  return random.pick(site.fleet.members);
}

/** A capture process sends nothing, and whoever follows it queues nothing twice. */
function doing(role: Member['role'], doubt: Doubt): { doubt: Doubt; interruptsCapture: boolean } {
  return role === 'capture'
    ? { doubt: { tag: 'none' }, interruptsCapture: true }
    : { doubt, interruptsCapture: false };
}

export const PROCESS_FAULTS: readonly Fault[] = [
  {
    name: 'kill',
    area: 'process',
    weight: 6,
    strike: async (strike) => {
      const { name, role } = anyMember(strike);
      return strike.site.fleet.kill(name) ? hit(name, doing(role, IN_FLIGHT)) : missed(`${name} was down`);
    },
  },
  {
    name: 'kill-all',
    area: 'process',
    weight: 1,
    strike: async ({ site }) => {
      const killed = site.fleet.members.filter(({ name }) => site.fleet.kill(name));
      return killed.length === 0
        ? missed('all were down')
        : hit(killed.map(({ name }) => name).join(', '), { doubt: IN_FLIGHT, interruptsCapture: true });
    },
  },
  {
    name: 'freeze',
    area: 'process',
    weight: 4,
    strike: async (strike) => {
      const { name, role } = anyMember(strike);
      const ms = strike.random.int(500, 14_000);
      const frozen = await strike.site.fleet.freeze(name);
      if (frozen === null) return missed(`${name} was down`);
      await strike.sleep(ms);
      await frozen.thaw();
      return hit(`${name} for ${ms} ms`, doing(role, IN_FLIGHT_TWICE));
    },
  },
  {
    name: 'drain',
    area: 'process',
    weight: 3,
    strike: async (strike) => {
      const { name, role } = anyMember(strike);
      const ending = await strike.site.fleet.drain(name);
      if (ending === null) return missed(`${name} was down`);
      // Whoever drained in full leaves nothing in doubt.
      const doubt: Doubt = ending.code === 0 ? { tag: 'none' } : IN_FLIGHT;
      return hit(`${name}, exit ${ending.code ?? ending.signal ?? ''}`, doing(role, doubt));
    },
  },
];
