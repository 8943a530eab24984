import type { Stats } from "node:fs";
import { chmod, copyFile, lchown, lstat, mkdir, readdir, readlink, realpath, symlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { deviceNumbers, nativeSys } from "@gantry/native-sys";

/**
 * Copies what an image has at a path into an empty volume, with owners, modes, times and extended attributes,
 * and gives the volume the owner and mode of the image's directory. Does nothing when the volume holds
 * something or the image has no directory there.
 *
 * @param root the container's root file system, mounted
 * @param path absolute path inside it
 */
export async function copyUp(root: string, path: string, volume: string): Promise<void> {
  if ((await readdir(volume)).length > 0) return;
  const source = await resolveInside(root, path);
  const info = source === undefined ? undefined : await lstat(source).catch(() => undefined);
  if (source === undefined || !info?.isDirectory()) return;
  await copyChildren(source, volume);
  await copyAttributes(source, volume, info);
}

/**
 * The host's path of a path inside a root, symbolic links followed as a process inside would follow them;
 * undefined when it does not exist. Nothing may change the tree meanwhile.
 */
export async function resolveInside(root: string, path: string): Promise<string | undefined> {
  const base = await realpath(root);
  let pending = path.split("/").filter(Boolean);
  const done: string[] = [];
  for (let links = 0; pending.length > 0; ) {
    const [part = "", ...rest] = pending;
    pending = rest;
    if (part === ".") continue;
    if (part === "..") {
      done.pop();
      continue;
    }
    const at = join(base, ...done, part);
    const info = await lstat(at).catch(() => undefined);
    if (!info) return undefined;
    if (!info.isSymbolicLink()) {
      done.push(part);
      continue;
    }
    links++;
    if (links > 40) return undefined;
    const target = await readlink(at);
    if (target.startsWith("/")) done.length = 0;
    pending = [...target.split("/").filter(Boolean), ...pending];
  }
  return join(base, ...done);
}

async function copyChildren(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) await copyEntry(join(from, name), join(to, name));
}

async function copyEntry(from: string, to: string): Promise<void> {
  const info = await lstat(from);
  if (info.isDirectory()) {
    await mkdir(to, { mode: 0o700 });
    await copyChildren(from, to);
  } else if (info.isSymbolicLink()) await symlink(await readlink(from), to);
  else if (info.isFile()) await copyFile(from, to);
  else {
    const { major, minor } = deviceNumbers(info.rdev);
    nativeSys().mknod(to, info.mode, major, minor);
  }
  await copyAttributes(from, to, info);
}

/** Owner before mode: chown clears the set-user-id bits. Times last: everything else changes them. */
async function copyAttributes(from: string, to: string, info: Stats): Promise<void> {
  await lchown(to, info.uid, info.gid);
  const sys = nativeSys();
  for (const name of sys.listxattr(from, false)) {
    // Layers' own bookkeeping is not part of the content.
    if (name.startsWith("trusted.overlay.")) continue;
    const value = sys.getxattr(from, name, false);
    if (value) sys.setxattr(to, name, value, 0, false);
  }
  if (info.isSymbolicLink()) return;
  await chmod(to, info.mode & 0o7777);
  await utimes(to, info.atimeMs / 1000, info.mtimeMs / 1000);
}
