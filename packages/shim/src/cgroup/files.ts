import { readdirSync, readFileSync } from "node:fs";

/** The number for "max", as in containerd's metrics: the largest of 64 bits. */
const unlimited = 2 ** 64;

/** The files of one cgroup directory. A file or a directory that is not there reads as empty: kernels differ. */
export class CgroupFiles {
  readonly #directory: string | undefined;

  constructor(directory: string | undefined) {
    this.#directory = directory;
  }

  text(name: string): string {
    if (this.#directory === undefined) return "";
    try {
      return readFileSync(`${this.#directory}/${name}`, "latin1").trim();
    } catch {
      return "";
    }
  }

  /** A number; "max" is unlimited, nothing is 0. */
  number(name: string): number {
    return toNumber(this.text(name));
  }

  numbers(name: string): number[] {
    return this.text(name).split(" ").filter(Boolean).map(toNumber);
  }

  /** Lines "key value". */
  table(name: string): Record<string, number> {
    const lines = this.lines(name).map((line) => line.split(" "));
    return Object.fromEntries(lines.map(([key = "", value = ""]) => [key, toNumber(value)]));
  }

  lines(name: string): string[] {
    return this.text(name).split("\n").filter(Boolean);
  }

  /** The variable parts of file names `prefix*suffix`: the page sizes of hugetlb. */
  variants(prefix: string, suffix: string): string[] {
    if (this.#directory === undefined) return [];
    try {
      const names = readdirSync(this.#directory).filter((name) => name.startsWith(prefix) && name.endsWith(suffix));
      const stars = names.map((name) => name.slice(prefix.length, -suffix.length));
      return stars.filter((star) => !star.includes("."));
    } catch {
      return [];
    }
  }
}

export function toNumber(text: string): number {
  const value = text === "max" ? unlimited : Number(text);
  return Number.isFinite(value) ? value : 0;
}
