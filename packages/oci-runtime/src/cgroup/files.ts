import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeSync,
} from "node:fs";
import { join } from "node:path/posix";
import { setTimeout as delay } from "node:timers/promises";
import type { LimitContext } from "./types.ts";

/** Writes one value to one file of a cgroup, in a single write(2) as the kernel wants it. */
export function writeFile(path: string, value: string): void {
  const fd = openSync(path, constants.O_WRONLY);
  try {
    writeSync(fd, value);
  } finally {
    closeSync(fd);
  }
}

export interface LimitFile {
  readonly path: string;
  readonly value: string;
  /** Where in config.json it stands. */
  readonly field: string;
}

/** Writes a limit. @throws Error naming its field, with the system's error as its cause */
export function setLimit({ path, value, field }: LimitFile, { debug }: Pick<LimitContext, "debug">): void {
  try {
    writeFile(path, value);
    debug?.(`cgroup: wrote ${JSON.stringify(value)} to ${path} (${field})`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Error(`setting ${field}: writing "${value}" to ${path}: ${code}`, { cause: error });
  }
}

export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

/** A number in a file; 0 when it is not there; "max" counts as the largest. */
export function readNumber(path: string): number {
  const text = readText(path);
  return text === "max" ? Number.MAX_SAFE_INTEGER : Number(text) || 0;
}

/** Lines "key value", as in memory.stat. */
export function readTable(path: string): Record<string, number> {
  const table: Record<string, number> = {};
  for (const line of readText(path).split("\n")) {
    const [key, value] = line.split(" ");
    if (key && value) table[key] = Number(value);
  }
  return table;
}

/** Makes a directory and those above it; true when it was not there. @throws Error naming linux.cgroupsPath */
export function makeDirectory(path: string): boolean {
  try {
    return mkdirSync(path, { recursive: true }) !== undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`linux.cgroupsPath: making the cgroup ${JSON.stringify(path)}: ${code}`);
  }
}

/** Process ids of a cgroup and of all below it. */
export function pidsBelow(path: string): number[] {
  const own = readText(join(path, "cgroup.procs"));
  const pids = own === "" ? [] : own.split("\n").map(Number);
  for (const name of subdirectories(path)) pids.push(...pidsBelow(join(path, name)));
  return pids;
}

/** Removes a cgroup and all below it. Processes that were just killed may hold it for a moment. */
export async function removeTree(path: string): Promise<void> {
  if (!existsSync(path)) return;
  for (const name of subdirectories(path)) await removeTree(join(path, name));
  for (let wait = 1; ; wait *= 2) {
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return;
      if (code !== "EBUSY" || wait > 1024) throw new Error(`removing the cgroup ${path}: ${code}`);
    }
    await delay(wait);
  }
}

function subdirectories(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
