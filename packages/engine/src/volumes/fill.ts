import { lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Fd, isSystemError, type NativeSys, openDirectory, openDirectoryInRoot } from "@gantry/native-sys";
import { type BytePath, fsPath, toBytePath } from "@gantry/tree-copy/byte-path";
import { copyTree } from "@gantry/tree-copy/copy-tree";
import { copyMetadata } from "@gantry/tree-copy/metadata";

/** A directory of an image whose content an empty volume gets. */
export interface FillSource {
  /** The container's root file system, mounted. */
  readonly root: string;
  /** Absolute path inside it; symbolic links are followed as a process inside would follow them. */
  readonly path: string;
}

/** Beside a volume's data: a copy under way, which is worthless, and a whole one, whose entries are being moved. */
const partialName = "_partial";
const wholeName = "_whole";

/**
 * Fills an empty volume with an image's directory and gives it that directory's owner, mode, times and attributes.
 * Does nothing when the volume holds something or the image has no directory there. The copy is made beside the data
 * and moved in once it is whole, so a copy that fails leaves the volume empty.
 *
 * @param directory the volume's directory; its data are in `_data`
 */
export async function fillVolume(native: NativeSys, source: FillSource, directory: string): Promise<void> {
  const data = join(directory, "_data");
  if ((await readdir(data, "latin1")).length > 0) return;
  using from = openSource(native, source);
  if (!from) return;
  const partial = join(directory, partialName);
  await rm(partial, { recursive: true, force: true });
  try {
    await mkdir(partial, { mode: 0o700 });
    await copyTree(native, `/proc/self/fd/${from.number}/.`, partial);
    await rename(partial, join(directory, wholeName));
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  await finishFill(native, directory);
}

/** @returns undefined where the image has no directory; a loop of links is none */
function openSource(native: NativeSys, { root, path }: FillSource): Fd | undefined {
  using base = openDirectory(native, root);
  try {
    return openDirectoryInRoot(native, base.number, path);
  } catch (error) {
    if (isSystemError(error, "ELOOP")) return undefined;
    throw error;
  }
}

/** Completes or drops a fill that the end of an earlier engine interrupted; does nothing where there was none. */
export async function recoverFill(native: NativeSys, directory: string): Promise<void> {
  await rm(join(directory, partialName), { recursive: true, force: true });
  if (await exists(toBytePath(join(directory, wholeName)))) await finishFill(native, directory);
}

/** Moves a whole copy into the volume. A name that a running container has created meanwhile is left as it is. */
async function finishFill(native: NativeSys, directory: string): Promise<void> {
  const [whole, data] = [join(directory, wholeName), join(directory, "_data")].map(toBytePath) as [BytePath, BytePath];
  const stats = await lstat(fsPath(whole), { bigint: true });
  for (const name of await readdir(fsPath(whole), "latin1")) {
    if (!(await exists(`${data}/${name}`))) await rename(fsPath(`${whole}/${name}`), fsPath(`${data}/${name}`));
  }
  copyMetadata(native, whole, data, stats);
  await rm(fsPath(whole), { recursive: true });
}

async function exists(path: BytePath): Promise<boolean> {
  try {
    await lstat(fsPath(path));
    return true;
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return false;
    throw error;
  }
}
