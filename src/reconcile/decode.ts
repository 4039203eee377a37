/** How many ids, and the sum of their hashes modulo 2^64 as a signed integer. */
export interface Sum {
  readonly count: number;
  readonly sum: bigint;
}

export const NOTHING: Sum = { count: 0, sum: 0n };

export function plus(a: Sum, b: Sum): Sum {
  return { count: a.count + b.count, sum: BigInt.asIntN(64, a.sum + b.sum) };
}

export function minus(a: Sum, b: Sum): Sum {
  return { count: a.count - b.count, sum: BigInt.asIntN(64, a.sum - b.sum) };
}

export function isNothing({ count, sum }: Sum): boolean {
  return count === 0 && sum === 0n;
}

export function sumOf(hashes: Iterable<bigint>): Sum {
  let count = 0;
  let sum = 0n;
  for (const hash of hashes) {
    count += 1;
    sum += hash;
  }
  return { count, sum: BigInt.asIntN(64, sum) };
}

/** Above it three ids are not looked for together: the search grows with the square of the candidates. */
const MOST_FOR_THREE = 600;
/** A whole minute sent again this often is still recognised. */
const MOST_REPEATS = 8;

/**
 * Which of the candidates a sum is made of, or null when that cannot be told. 64 bits make it practically certain: among a
 * thousand candidates a wrong answer has a chance below 10^-10.
 *
 * Found are: one of the guesses exactly; a guess but for up to three ids (missing, present besides, or counted twice); a guess
 * but for one run of neighbours, as a job that was lost or doubled leaves it; a guess several times over.
 * @param hashes in the order in which they were sent
 * @param guesses sets of indices, likeliest first
 */
export function decode(
  total: Sum,
  hashes: readonly bigint[],
  guesses: readonly ReadonlySet<number>[],
): ReadonlySet<number> | null {
  for (const guess of guesses) {
    const whole = sumOf([...guess].map((index) => hashes[index] as bigint));
    for (let times = 1; times <= MOST_REPEATS && whole.count * times <= total.count; times += 1) {
      const repeated = { count: whole.count * times, sum: BigInt.asIntN(64, whole.sum * BigInt(times)) };
      if (isNothing(minus(total, repeated))) return guess;
    }
  }
  for (const guess of guesses) {
    const found = few(total, hashes, guess) ?? neighbours(total, hashes, guess);
    if (found !== null) return found;
  }
  return null;
}

/**
 * Which of the candidates the sums of several histories are made of together, or null when that cannot be told. Each history
 * sent what follows in the order from somewhere to somewhere: a stretch of a guess, in which one id may be lacking.
 */
export function decodeRuns(
  sums: readonly Sum[],
  hashes: readonly bigint[],
  guesses: readonly ReadonlySet<number>[],
): ReadonlySet<number> | null {
  const [only = NOTHING, ...more] = sums;
  if (more.length === 0) return decode(only, hashes, guesses);
  const found = new Set<number>();
  for (const sum of sums) {
    const ofRun = decode(sum, hashes, guesses) ?? stretchOf(sum, hashes, guesses);
    if (ofRun === null) return null;
    for (const index of ofRun) found.add(index);
  }
  return found;
}

function stretchOf(
  total: Sum,
  hashes: readonly bigint[],
  guesses: readonly ReadonlySet<number>[],
): ReadonlySet<number> | null {
  for (const lacking of [0, 1]) {
    for (const guess of guesses) {
      const found = stretch(total, hashes, guess, lacking);
      if (found !== null) return found;
    }
  }
  return null;
}

function stretch(
  total: Sum,
  hashes: readonly bigint[],
  guess: ReadonlySet<number>,
  lacking: number,
): ReadonlySet<number> | null {
  const indices = [...guess].toSorted((a, b) => a - b);
  const length = total.count + lacking;
  if (length > indices.length) return null;
  const byHash = new Map(indices.map((index) => [hashes[index] as bigint, index]));
  let sum = sumOf(indices.slice(0, length).map((index) => hashes[index] as bigint)).sum;
  for (let from = 0; ; from += 1) {
    const rest = BigInt.asIntN(64, sum - total.sum);
    const without = lacking === 0 ? null : byHash.get(rest);
    if (lacking === 0 ? rest === 0n : without !== undefined) {
      return new Set(indices.slice(from, from + length).filter((index) => index !== without));
    }
    const [leaving, entering] = [indices[from], indices[from + length]];
    if (leaving === undefined || entering === undefined) return null;
    sum = BigInt.asIntN(64, sum - (hashes[leaving] as bigint) + (hashes[entering] as bigint));
  }
}

interface Change {
  readonly index: number;
  readonly sign: 1 | -1;
  readonly value: bigint;
}

/** The guess with up to three changes. */
function few(total: Sum, hashes: readonly bigint[], guess: ReadonlySet<number>): ReadonlySet<number> | null {
  const rest = minus(total, sumOf([...guess].map((index) => hashes[index] as bigint)));
  if (isNothing(rest)) return guess;
  if (Math.abs(rest.count) > 3) return null;
  const changes: Change[] = [];
  for (const [index, hash] of hashes.entries()) {
    // One more of an id in the guess is an id counted twice.
    changes.push({ index, sign: 1, value: hash });
    if (guess.has(index)) changes.push({ index, sign: -1, value: BigInt.asIntN(64, -hash) });
  }
  const byValue = new Map(changes.map((change) => [change.value, change]));
  const closing = (others: readonly Change[]): readonly Change[] | null => {
    const left = others.reduce((sum, change) => minus(sum, { count: change.sign, sum: change.value }), rest);
    const last = byValue.get(left.sum);
    return last !== undefined && last.sign === left.count ? [...others, last] : null;
  };
  const found = closing([]) ?? pairs(changes, closing) ?? triples(changes, closing);
  return found === null ? null : applied(guess, found);
}

type Closing = (others: readonly Change[]) => readonly Change[] | null;

function pairs(changes: readonly Change[], closing: Closing): readonly Change[] | null {
  for (const change of changes) {
    const found = closing([change]);
    if (found !== null) return found;
  }
  return null;
}

function triples(changes: readonly Change[], closing: Closing): readonly Change[] | null {
  if (changes.length > MOST_FOR_THREE) return null;
  for (const [i, first] of changes.entries()) {
    for (let j = i + 1; j < changes.length; j += 1) {
      const found = closing([first, changes[j] as Change]);
      if (found !== null) return found;
    }
  }
  return null;
}

function applied(guess: ReadonlySet<number>, changes: readonly Change[]): ReadonlySet<number> {
  const present = new Set(guess);
  for (const { index, sign } of changes) {
    if (sign === 1) present.add(index);
    else present.delete(index);
  }
  return present;
}

/** The guess without, or with twice, one run of ids that follow each other. */
function neighbours(
  total: Sum,
  hashes: readonly bigint[],
  guess: ReadonlySet<number>,
): ReadonlySet<number> | null {
  const indices = [...guess].toSorted((a, b) => a - b);
  const rest = minus(total, sumOf(indices.map((index) => hashes[index] as bigint)));
  const length = Math.abs(rest.count);
  if (length === 0 || length > indices.length) return null;
  const wanted = rest.count > 0 ? rest.sum : BigInt.asIntN(64, -rest.sum);
  let sum = sumOf(indices.slice(0, length).map((index) => hashes[index] as bigint)).sum;
  for (let from = 0; ; from += 1) {
    if (sum === wanted) {
      const run = new Set(indices.slice(from, from + length));
      return rest.count > 0 ? guess : new Set(indices.filter((index) => !run.has(index)));
    }
    const [leaving, entering] = [indices[from], indices[from + length]];
    if (leaving === undefined || entering === undefined) return null;
    sum = BigInt.asIntN(64, sum - (hashes[leaving] as bigint) + (hashes[entering] as bigint));
  }
}
