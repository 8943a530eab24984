import { join } from "node:path";
import { paths } from "./paths.ts";

/** Machines that binaries are made for, by Node's names, with those of other tools. */
export interface Arch {
  readonly name: "x64" | "arm64";
  /** GNU triplet, for the cross compilers and Debian's library directories. */
  readonly triplet: string;
  /** "" on the machine itself, else the prefix of its cross tools. */
  readonly crossPrefix: string;
  /** Where libraries for another processor are unpacked (usr/include, usr/lib); absent for the machine itself. */
  readonly sysroot?: string;
}

const triplets = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" } as const;

/** @throws Error naming the architectures there are */
export function archNamed(name: string): Arch {
  if (name !== "x64" && name !== "arm64") throw new Error(`unknown architecture ${name}: must be x64 or arm64`);
  const triplet = triplets[name];
  if (name === process.arch) return { name, triplet, crossPrefix: "" };
  return { name, triplet, crossPrefix: `${triplet}-`, sysroot: join(paths.build, `sysroot-${name}`) };
}
