import type { Random } from './random.js';

/** An invented guest. Names are put together from syllables and addresses end in reserved domains, so no value is a real person's. */
export interface Person {
  readonly userId: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly username: string;
  readonly email: string;
  readonly phone: string;
  readonly emailOptIn: boolean | null;
  readonly textOptIn: boolean | null;
}

const FIRST_STARTS = [
  'Ta',
  'Bri',
  'Olo',
  'Mee',
  'Zan',
  'Quo',
  'Fen',
  'Ilu',
  'Ruv',
  'Sao',
  'Pel',
  'Würz',
  'Éla',
  'Nji',
];
const FIRST_ENDS = ['vi', 'sk', 'ndra', 'lo', 'mir', 'tta', 'bek', 'que', 'ro', 'ss', 'wyn', 'ño'];
const LAST_STARTS = [
  'Oller',
  'Quill',
  'Bram',
  'Tansy',
  'Hexel',
  'Umber',
  'Vantle',
  'Skarn',
  'Fjord',
  "O'Plum",
  'Ket',
  'Zwil',
];
const LAST_ENDS = ['moor', 'feather', 'bottom', 'wick', 'stead', 'drip', 'lund', 'thorpe', 'vale', 'son-Ax'];

export function inventPerson(userId: string, random: Random): Person {
  const first = random.pick(FIRST_STARTS) + random.pick(FIRST_ENDS);
  const last = random.pick(LAST_STARTS) + random.pick(LAST_ENDS);
  const username = `guest.${userId}`;
  return {
    userId,
    firstName: random.chance(0.97) ? first : null,
    lastName: random.chance(0.93) ? last : null,
    username,
    email: `${username}@example.test`,
    phone: `+1555010${String(random.int(0, 9999)).padStart(4, '0')}`,
    emailOptIn: random.chance(0.1) ? null : random.chance(0.7),
    textOptIn: random.chance(0.2) ? null : random.chance(0.4),
  };
}
