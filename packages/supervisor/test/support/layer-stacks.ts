import { type Entry, tarOf } from "./tar.ts";
import type { Random } from "./trees.ts";

const names = ["a", "b", "c", "d"];
const targets = ["a", "../b", "/c", "b/c", "..", "/a/b", "nowhere"];

export interface StackOptions {
  readonly layers: number;
  /** At most in each layer. */
  readonly entries: number;
}

/** The tars of a stack of layers whose entries are few and meet often: replaced, hidden, linked, below one another. */
export async function randomStack(random: Random, { layers, entries }: StackOptions): Promise<Buffer[]> {
  const stack: Buffer[] = [];
  for (let at = 0; at < layers; at++) {
    const made = Array.from({ length: 1 + random(entries) }, () => randomEntry(random));
    stack.push(await tarOf(...made));
  }
  return stack;
}

function randomEntry(random: Random): Entry {
  const path = randomPath(random);
  const parent = path.slice(0, path.lastIndexOf("/") + 1);
  const name = path.slice(parent.length);
  const common = {
    uid: pick([0, 7, 1000], random),
    gid: pick([0, 9], random),
    mode: pick([0o644, 0o755, 0o600, 0o4711, 0o1777], random),
    mtime: new Date(1_600_000_000_000 + random(1000) * 1000),
  };
  const isInner = path.split("/").length < 3 && random(3) > 0;
  const kind = isInner ? random(5) * random(4) : 5 + random(11);
  if (kind < 5) return { ...common, name: path, type: "directory" };
  if (kind < 9) return { ...common, name: path, content: `${path} ${random(100)}` };
  if (kind === 9) return { ...common, name: path, type: "symlink", linkname: pick(targets, random) };
  if (kind === 10) return { ...common, name: path, type: "link", linkname: randomPath(random) };
  if (kind === 11) return { ...common, name: path, type: "fifo" };
  if (kind === 12) return { ...common, name: path, type: "character-device", devmajor: 1, devminor: 3 };
  if (kind === 13) return { ...common, name: `${parent}.wh..wh..opq`, content: "" };
  if (kind === 14) return { ...common, name: "./", type: "directory" };
  return { ...common, name: `${parent}.wh.${name}`, content: "" };
}

function randomPath(random: Random): string {
  return Array.from({ length: 1 + random(3) }, () => pick(names, random)).join("/");
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[random(from.length)] as T;
}
