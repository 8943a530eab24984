import type { ShimContext } from "../context.ts";

/** The descriptors that the keeper has of a process, by what they are: "stdout", "terminal", "progress", … */
export type Inherited = ReadonlyMap<string, number>;

/** Copies of the descriptors that an earlier shim left with the keeper. */
export async function inherit({ kept, prefix }: ShimContext, label: string): Promise<Inherited> {
  const own = `${prefix}${label}.`;
  const names = [...kept.found.descriptors].filter((name) => name.startsWith(own));
  if (names.length === 0) return new Map();
  const fds = await kept.client.get(...names);
  return new Map(Object.entries(fds).map(([name, fd]) => [name.slice(own.length), fd]));
}
