import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { isSystemError, type NativeSys, S_IFBLK, S_IFCHR, S_IFIFO } from "@gantry/native-sys";
import { copyNode, setXattr } from "./copy-up.ts";
import { LayerTree } from "./layer-tree.ts";
import { lstatOrNone } from "./lower-view.ts";
import { type TarEntry, TarError, type TarSink } from "./tar-reader.ts";

const whiteoutPrefix = ".wh.";
const opaqueMarker = ".wh..wh..opq";
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const blockBytes = 4096;

/**
 * Writes the entries of a layer's tar (image-spec layer.md) as an overlayfs upper directory: whiteouts become
 * character devices 0/0, opaque markers the attribute trusted.overlay.opaque.
 * All calls are synchronous: for small files that costs less than any hand-over.
 */
export class LayerWriter implements TarSink {
  readonly #tree: LayerTree;
  readonly #native: NativeSys;
  /** Times of directories are set last: writing into one changes them. */
  readonly #directories: TarEntry[] = [];
  #file: { entry: TarEntry; fd: number; path: string } | undefined;
  #size = 0;
  #inodes = 0;

  /**
   * @param root directory to write into, which nobody else changes meanwhile
   * @param lowers directories of the layers below, topmost first
   */
  constructor(native: NativeSys, root: string, lowers: readonly string[]) {
    this.#native = native;
    this.#tree = new LayerTree(native, root, lowers);
  }

  /** Bytes on disk and inodes written. */
  get usage(): { size: number; inodes: number } {
    return { size: this.#size, inodes: this.#inodes };
  }

  entry(entry: TarEntry): void {
    const path = insidePath(entry.path, entry.path);
    if (path === "") {
      if (entry.type === "directory") this.#rootEntry(entry);
      return;
    }
    const slash = path.lastIndexOf("/");
    const parent = slash < 0 ? "" : path.slice(0, slash);
    const name = path.slice(slash + 1);
    if (name.startsWith(whiteoutPrefix)) {
      this.#whiteout(parent, name);
      return;
    }
    try {
      this.#make({ ...entry, path }, `${this.#tree.directory(parent)}/${name}`);
    } catch (error) {
      if (error instanceof TarError) throw error;
      throw new Error(`layer entry "${path}": ${withoutDescriptors(error)}`, { cause: error });
    }
  }

  data(chunk: Buffer): void {
    if (!this.#file) return;
    for (let at = 0; at < chunk.length; ) at += writeSync(this.#file.fd, chunk, at);
  }

  entryEnd(): void {
    const file = this.#file;
    if (!file) return;
    this.#file = undefined;
    const { entry, fd, path } = file;
    try {
      fchownSync(fd, entry.uid, entry.gid);
      fchmodSync(fd, entry.mode);
      this.#xattrs(entry, path);
      if (entry.mtimeNanos === 0) futimesSync(fd, entry.mtime, entry.mtime);
    } finally {
      closeSync(fd);
    }
    if (entry.mtimeNanos !== 0) this.#times(entry, path);
  }

  /** Sets what is left to set. */
  finish(): void {
    for (const entry of this.#directories.reverse()) {
      const path = this.#tree.existing(entry.path);
      if (path === undefined) continue; // replaced by a later entry
      if (entry.mtimeNanos === 0) utimesSync(path, entry.mtime, entry.mtime);
      else this.#times(entry, path, true);
    }
  }

  close(): void {
    if (this.#file) closeSync(this.#file.fd);
    this.#file = undefined;
    this.#tree.close();
  }

  #make(entry: TarEntry, path: string): void {
    if (entry.type === "directory") {
      this.#directory(entry, path);
      return;
    }
    this.#inodes += 1;
    if (entry.type === "file") {
      const fd = this.#replacing(path, () => openSync(path, createFlags, 0o600));
      this.#file = { entry, fd, path };
      this.#size += Math.ceil(entry.size / blockBytes) * blockBytes;
      return;
    }
    if (entry.type === "link") {
      this.#inodes -= 1;
      this.#link(entry, path);
      return;
    }
    if (entry.type === "symlink") this.#replacing(path, () => symlinkSync(entry.linkPath, path));
    else this.#replacing(path, () => this.#native.mknod(path, nodeType(entry) | 0o600, entry.major, entry.minor));
    lchownSync(path, entry.uid, entry.gid);
    if (entry.type !== "symlink") chmodSync(path, entry.mode);
    this.#xattrs(entry, path);
    if (entry.mtimeNanos === 0) lutimesSync(path, entry.mtime, entry.mtime);
    else this.#times(entry, path);
  }

  #directory(entry: TarEntry, path: string): void {
    try {
      mkdirSync(path, 0o700);
      this.#inodes += 1;
      this.#size += blockBytes;
    } catch (error) {
      if (!isSystemError(error, "EEXIST") && (error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (!lstatOrNone(path)?.isDirectory()) {
        const wasWhiteout = this.#tree.remove(path);
        mkdirSync(path, 0o700);
        if (wasWhiteout) this.#tree.setOpaque(path);
      }
    }
    lchownSync(path, entry.uid, entry.gid);
    chmodSync(path, entry.mode);
    this.#xattrs(entry, path);
    this.#directories.push(entry);
  }

  #rootEntry(entry: TarEntry): void {
    const root = `${this.#tree.directory("")}/.`;
    lchownSync(root, entry.uid, entry.gid);
    chmodSync(root, entry.mode);
    this.#xattrs(entry, root);
    this.#directories.push({ ...entry, path: "" });
  }

  #link(entry: TarEntry, path: string): void {
    const target = insidePath(entry.linkPath, entry.path);
    const slash = target.lastIndexOf("/");
    const parent = this.#tree.directory(slash < 0 ? "" : target.slice(0, slash));
    const source = `${parent}/${target.slice(slash + 1)}`;
    if (source === path) return;
    if (!lstatOrNone(source)) {
      const below = this.#tree.lower.find(target.split("/"));
      if (!below) throw new Error(`its target "${target}" is not in the image`);
      copyNode(this.#native, below.path, source, below.stats);
    }
    this.#replacing(path, () => linkSync(source, path));
  }

  /** A whiteout hides what the layers below have; what this layer itself has under the name stays. */
  #whiteout(parent: string, name: string): void {
    if (name === opaqueMarker) {
      this.#tree.setOpaque(this.#tree.directory(parent));
      return;
    }
    if (name.startsWith(".wh..wh.")) return; // AUFS' own records
    const victim = name.slice(whiteoutPrefix.length);
    if (victim === "" || victim === "." || victim === "..") {
      throw new TarError(`layer entry "${parent}/${name}" is a whiteout of nothing`);
    }
    if (this.#tree.lower.isEmpty) return;
    const path = `${this.#tree.directory(parent)}/${victim}`;
    const stats = lstatOrNone(path);
    if (stats?.isDirectory()) this.#tree.setOpaque(path);
    else if (!stats) this.#native.mknod(path, S_IFCHR, 0, 0);
  }

  /** Makes something where an earlier entry (of the same name, or a whiteout of it) may be. */
  #replacing<T>(path: string, make: () => T): T {
    try {
      return make();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      this.#tree.remove(path);
      return make();
    }
  }

  #xattrs(entry: TarEntry, path: string): void {
    if (!entry.xattrs) return;
    for (const [name, value] of entry.xattrs) {
      // overlayfs' own attributes would reach into other layers
      if (name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.")) continue;
      setXattr(this.#native, path, name, value);
    }
  }

  #times(entry: TarEntry, path: string, follow = false): void {
    const ns = BigInt(entry.mtime) * 1_000_000_000n + BigInt(entry.mtimeNanos);
    this.#native.utimens(path, ns, ns, follow);
  }
}

/**
 * A tar's path as one relative to the root, without "." and "..".
 * @throws TarError when it leads out of the root
 */
export function insidePath(path: string, entry: string): string {
  if (!path.includes("./") && !path.includes("//") && !path.startsWith("/") && !/(?:^|\/)\.{0,2}$/.test(path)) {
    return path;
  }
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) throw new TarError(`layer entry "${entry}" points outside the root (${path})`);
  }
  return parts.join("/");
}

function nodeType({ type }: TarEntry): number {
  if (type === "fifo") return S_IFIFO;
  return type === "block" ? S_IFBLK : S_IFCHR;
}

function withoutDescriptors(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\/proc\/self\/fd\/\d+\//g, "");
}
