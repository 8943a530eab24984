import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { withMember } from "./json-member.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Docker's configuration file. */
export interface ConfigFile {
  readonly path: string;
  /** The bytes of the file; empty when it does not exist. */
  readonly text: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** DOCKER_CONFIG/config.json, ~/.docker/config.json. @throws Error when the file exists and is no JSON object */
export async function readConfigFile(env: Env): Promise<ConfigFile> {
  const path = join(env["DOCKER_CONFIG"] || join(env["HOME"] || homedir(), ".docker"), "config.json");
  const { readFile } = await import("node:fs/promises");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { path, text: "", content: {} };
    throw new Error(`cannot read ${path}: ${(error as Error).message}`);
  }
  if (text.trim() === "") return { path, text, content: {} };
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content !== "object" || content === null || Array.isArray(content))
      throw new Error("must be a JSON object");
    return { path, text, content: { ...content } };
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}

/**
 * Sets one member and writes the file, whole or not at all. A file that has the value already is not written; its other
 * members, its mode and owner stay, and so does a symbolic link in its place: its target is written.
 */
export async function setConfigMember(file: ConfigFile, name: string, value: unknown): Promise<void> {
  if (isDeepStrictEqual(file.content[name], value)) return;
  const { mkdir, rename, rm, writeFile } = await import("node:fs/promises");
  try {
    await mkdir(dirname(file.path), { recursive: true, mode: 0o700 });
    const target = await targetOf(file.path);
    const temporary = `${target}.${process.pid}`;
    try {
      await writeFile(temporary, withMember(file.text, name, value), { mode: 0o600 });
      await copyPermissions(target, temporary);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  } catch (error) {
    throw new Error(`cannot write ${file.path}: ${(error as Error).message}`);
  }
}

/** The file that a path leads to, which need not exist: links are followed also when they dangle. */
async function targetOf(path: string): Promise<string> {
  const { readlink, realpath } = await import("node:fs/promises");
  for (let place = path; ; ) {
    try {
      return await realpath(place);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    const link = await readlink(place).catch(() => undefined);
    if (link === undefined) return place;
    place = resolve(dirname(place), link);
  }
}

/** A new file is readable by its owner alone. */
async function copyPermissions(from: string, to: string): Promise<void> {
  const { chmod, chown, stat } = await import("node:fs/promises");
  const existing = await stat(from).catch(() => undefined);
  if (!existing) return;
  // An ordinary user cannot give a file away: the mode matters, and the file is this user's own then.
  await chown(to, existing.uid, existing.gid).catch(() => {});
  await chmod(to, existing.mode & 0o777);
}

/** A field of a value that may not be an object. */
export function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
