export interface Random {
  /** A whole number from 0 up to, but not including, a limit. */
  below(limit: number): number;
  /** One of some; of none, undefined. */
  pick<T>(all: readonly T[]): T | undefined;
}

/** Numbers of 32 bits that a seed decides (Mulberry32), so that a failure can be repeated. */
export function uint32From(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** Numbers that look random and are the same for the same seed. */
export function randomFrom(seed: number): Random {
  const next = uint32From(seed);
  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit);
  return { below, pick: (all) => all[below(all.length)] };
}
