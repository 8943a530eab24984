import { homedir } from "node:os";
import { dirname, join } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

/** Docker's configuration file; unknown fields are kept. */
export interface ConfigFile {
  readonly path: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** DOCKER_CONFIG/config.json, ~/.docker/config.json. @throws Error when the file exists and is not JSON */
export async function readConfigFile(env: Env): Promise<ConfigFile> {
  const path = join(env["DOCKER_CONFIG"] || join(env["HOME"] || homedir(), ".docker"), "config.json");
  const { readFile } = await import("node:fs/promises");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { path, content: {} };
    throw new Error(`cannot read ${path}: ${(error as Error).message}`);
  }
  try {
    const content: unknown = JSON.parse(text);
    return { path, content: typeof content === "object" && content !== null ? { ...content } : {} };
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}

/** Writes the file whole or not at all, readable by its owner alone; a symbolic link stays one. */
export async function writeConfigFile({ path, content }: ConfigFile): Promise<void> {
  const { mkdir, realpath, rename, rm, writeFile } = await import("node:fs/promises");
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const target = await realpath(path).catch(() => path);
  const temporary = `${target}.${process.pid}`;
  try {
    await writeFile(temporary, `${JSON.stringify(content, null, "\t")}\n`, { mode: 0o600 });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new Error(`cannot write ${path}: ${(error as Error).message}`);
  }
}

/** A field of a value that may not be an object. */
export function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
