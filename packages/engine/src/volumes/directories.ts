import { lstat, mkdir, open, readdir, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { isSystemError, type NativeSys } from "@gantry/native-sys";
import { newId } from "../base/ids.ts";
import { type FillSource, fillVolume, recoverFill } from "./fill.ts";

const idLength = 12;
const leftoverName = new RegExp(`^\\.(removed|unclaimed)-([0-9a-f]{${idLength}})-(.+)$`);

/** The directory of a removed volume whose files are still there. */
export interface RemovedDirectory {
  readonly path: string;
  /** The volume's name. */
  readonly name: string;
}

/**
 * The directories of volumes: `NAME/_data` holds a volume's files. A removed volume's directory is renamed to
 * `.removed-ID-NAME` before its record is deleted, so that its files never reappear in a new volume of that name; a
 * directory that has files but no record is renamed to `.unclaimed-ID-NAME` and kept.
 */
export class VolumeDirectories {
  readonly #native: NativeSys;
  readonly #root: string;

  constructor(native: NativeSys, root: string) {
    this.#native = native;
    this.#root = root;
  }

  dataPath(name: string): string {
    return join(this.#root, name, "_data");
  }

  /** Creates the directory of a new volume. */
  async create(name: string): Promise<void> {
    await mkdir(this.dataPath(name), { recursive: true, mode: 0o755 });
  }

  async fill(name: string, source: FillSource): Promise<void> {
    await fillVolume(this.#native, source, join(this.#root, name));
  }

  /** Completes or drops a fill that was interrupted; creates the directory where it is missing. */
  async restore(name: string): Promise<void> {
    await this.create(name);
    await recoverFill(this.#native, join(this.#root, name));
  }

  /** Renames a volume's directory aside, durably. @returns undefined where there is none */
  async setAside(name: string): Promise<RemovedDirectory | undefined> {
    const path = join(this.#root, `.removed-${newId().slice(0, idLength)}-${name}`);
    if (!(await this.#move(name, path))) return undefined;
    return { path, name };
  }

  /** Deletes the files of a removed volume. */
  async discard(directory: RemovedDirectory): Promise<void> {
    await rm(directory.path, { recursive: true, force: true });
  }

  /**
   * Clears the directory of a name that has no record: an empty one is removed, one with files is renamed and kept.
   * @returns the new path of the files
   */
  async setUnclaimedAside(name: string): Promise<string | undefined> {
    const directory = join(this.#root, name);
    if (!(await exists(join(directory, "_data")))) return undefined;
    try {
      await rmdir(join(directory, "_data"));
      await rm(directory, { recursive: true });
      return undefined;
    } catch (error) {
      if (!isSystemError(error, "ENOTEMPTY", "EEXIST")) throw error;
    }
    const path = join(this.#root, `.unclaimed-${newId().slice(0, idLength)}-${name}`);
    await this.#move(name, path);
    return path;
  }

  /** Names of directories, with or without a record, and directories of removed volumes. */
  async list(): Promise<{ names: string[]; removed: RemovedDirectory[] }> {
    const names: string[] = [];
    const removed: RemovedDirectory[] = [];
    for (const entry of await entriesOf(this.#root)) {
      const [, kind, , name] = leftoverName.exec(entry) ?? [];
      if (kind === "removed" && name !== undefined) removed.push({ path: join(this.#root, entry), name });
      else if (!entry.startsWith(".")) names.push(entry);
    }
    return { names, removed };
  }

  async #move(name: string, to: string): Promise<boolean> {
    try {
      await rename(join(this.#root, name), to);
    } catch (error) {
      if (isSystemError(error, "ENOENT")) return false;
      throw error;
    }
    const handle = await open(this.#root, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    return true;
  }
}

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}
