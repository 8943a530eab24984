import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
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
import { type BytePath, fsPath, readable } from "@gantry/tree-copy/byte-path";
import { copyNode } from "@gantry/tree-copy/copy-node";
import type { LayerTarget } from "./apply-layer.ts";
import { dropOtherXattrs, isPlainTime, setEntryTimes, setEntryXattrs } from "./entry-attributes.ts";
import { LayerTree } from "./layer-tree.ts";
import { lstatOrNone } from "./lower-view.ts";
import { NewFileAttributes } from "./new-file-attributes.ts";
import { SpaceGuard } from "./space-guard.ts";
import { insidePath } from "./tar-path.ts";
import { type TarEntry, TarError, type TarSink } from "./tar-reader.ts";
import { parentOf, Whiteouts } from "./whiteouts.ts";

const whiteoutPrefix = ".wh.";
const opaqueMarker = ".wh..wh..opq";
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const blockBytes = 4096;
const maxNotes = 20;

export interface WriteOptions {
  /** The process's umask is 0. */
  readonly isUnmasked?: boolean;
}

interface OpenFile {
  readonly entry: TarEntry;
  readonly fd: number;
  readonly path: BytePath;
  /** Offsets of the next piece, and of the end of the last one. */
  position: number;
  written: number;
}

/**
 * Writes the entries of a layer's tar (image-spec layer.md) into a directory. All calls are synchronous, which is the
 * fastest way for small files.
 */
export class LayerWriter implements TarSink {
  readonly #tree: LayerTree;
  readonly #native: NativeSys;
  readonly #whiteouts: Whiteouts;
  readonly #space: SpaceGuard;
  readonly #newFiles: NewFileAttributes;
  /** Times of directories are set last, since creating entries changes them. */
  readonly #directories: TarEntry[] = [];
  #file: OpenFile | undefined;
  #size = 0;
  #inodes = 0;
  readonly #notes: string[] = [];

  /** @param target nothing else may change its directory in the meantime */
  constructor(native: NativeSys, target: LayerTarget, options: WriteOptions = {}) {
    this.#native = native;
    this.#tree = new LayerTree(native, target.directory, target.lowers);
    this.#whiteouts = new Whiteouts(this.#tree, target.whiteouts === "overlay");
    this.#tree.isOlder = (path) => this.#whiteouts.isOlder(path);
    this.#space = new SpaceGuard(target.directory);
    const isNew = target.whiteouts === "overlay" && target.lowers.length === 0;
    this.#newFiles = new NewFileAttributes(isNew && options.isUnmasked === true);
  }

  /** Bytes on disk, and inodes, that were written. */
  get usage(): { size: number; inodes: number } {
    return { size: this.#size, inodes: this.#inodes };
  }

  /** Notes on attributes that could not be written and were left out. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  entry(entry: TarEntry): void {
    const path = insidePath(entry.path, entry.path);
    if (path === "") {
      if (entry.type === "directory") this.#rootEntry(entry);
      return;
    }
    const parent = parentOf(path);
    const name = path.slice(parent === "" ? 0 : parent.length + 1);
    this.#space.entry(entry.storedSize ?? entry.size);
    try {
      if (name.startsWith(whiteoutPrefix)) this.#whiteout(parent, name);
      else {
        const directory = this.#tree.directory(parent);
        this.#make({ ...entry, path }, `${directory}/${name}`);
        this.#whiteouts.wrote(directory, name);
      }
    } catch (error) {
      throw inEntry(path, error);
    }
  }

  data(chunk: Buffer): void {
    const file = this.#file;
    if (!file) return;
    for (let at = 0; at < chunk.length; ) {
      const written = writeSync(file.fd, chunk, at, chunk.length - at, file.position);
      at += written;
      file.position += written;
      file.written = file.position;
    }
    this.#space.wrote(chunk.length);
  }

  hole(length: number): void {
    if (this.#file) this.#file.position += length;
  }

  entryEnd(): void {
    const file = this.#file;
    if (!file) return;
    this.#file = undefined;
    const { entry, fd, path } = file;
    try {
      if (file.position > file.written) ftruncateSync(fd, entry.size);
      if (!this.#newFiles.isDone(entry, fd)) {
        fchownSync(fd, entry.uid, entry.gid);
        fchmodSync(fd, entry.mode);
      }
      this.#xattrs(entry, path);
      if (isPlainTime(entry)) futimesSync(fd, entry.mtime, entry.mtime);
      else setEntryTimes(this.#native, entry, path);
    } catch (error) {
      throw inEntry(entry.path, error);
    } finally {
      closeSync(fd);
    }
  }

  /** Sets the times of directories. */
  finish(): void {
    for (const [name, ns] of this.#tree.formerTimes) {
      const path = this.#tree.existing(name);
      if (path !== undefined) this.#native.utimens(fsPath(`${path}/.`), ns, ns, true);
    }
    for (const entry of this.#directories.reverse()) {
      const path = this.#tree.existing(entry.path);
      if (path === undefined) continue; // replaced by a later entry
      if (isPlainTime(entry)) utimesSync(path, entry.mtime, entry.mtime);
      else setEntryTimes(this.#native, entry, path, true);
    }
  }

  close(): void {
    if (this.#file) closeSync(this.#file.fd);
    this.#file = undefined;
    this.#tree.close();
  }

  #make(entry: TarEntry, path: BytePath): void {
    if (entry.type === "directory") {
      this.#directory(entry, path);
      return;
    }
    this.#inodes += 1;
    const place = fsPath(path);
    if (entry.type === "file") {
      const fd = this.#replacing(entry, path, () => openSync(place, createFlags, this.#newFiles.modeOf(entry)));
      this.#file = { entry, fd, path, position: 0, written: 0 };
      this.#size += Math.ceil((entry.storedSize ?? entry.size) / blockBytes) * blockBytes;
      return;
    }
    if (entry.type === "link") {
      this.#inodes -= 1;
      this.#link(entry, path);
      return;
    }
    if (entry.type === "symlink") this.#replacing(entry, path, () => symlinkSync(fsPath(entry.linkPath), place));
    else
      this.#replacing(entry, path, () => this.#native.mknod(place, nodeType(entry) | 0o600, entry.major, entry.minor));
    lchownSync(place, entry.uid, entry.gid);
    if (entry.type !== "symlink") chmodSync(place, entry.mode);
    this.#xattrs(entry, path);
    if (isPlainTime(entry)) lutimesSync(place, entry.mtime, entry.mtime);
    else setEntryTimes(this.#native, entry, path);
  }

  #directory(entry: TarEntry, path: BytePath): void {
    this.#newFiles.directory(entry);
    const place = fsPath(path);
    try {
      mkdirSync(place, 0o700);
      this.#inodes += 1;
      this.#size += blockBytes;
      this.#tree.created(entry.path);
    } catch (error) {
      if (!isSystemError(error, "EEXIST")) throw error;
      if (lstatOrNone(path)?.isDirectory()) dropOtherXattrs(this.#native, entry, path);
      else {
        // A whiteout hid what the layers below have of this name, and so did a file of this layer.
        this.#tree.remove(path);
        mkdirSync(place, 0o700);
        this.#tree.setOpaque(path);
      }
    }
    lchownSync(place, entry.uid, entry.gid);
    chmodSync(place, entry.mode);
    this.#xattrs(entry, path);
    this.#directories.push(entry);
  }

  #rootEntry(entry: TarEntry): void {
    this.#newFiles.directory(entry);
    const root = `${this.#tree.directory("")}/.`;
    lchownSync(root, entry.uid, entry.gid);
    chmodSync(root, entry.mode);
    this.#xattrs(entry, root);
    this.#directories.push({ ...entry, path: "" });
  }

  #link(entry: TarEntry, path: BytePath): void {
    const target = insidePath(entry.linkPath, entry.path);
    const parent = this.#tree.directory(parentOf(target));
    const source = `${parent}/${target.slice(target.lastIndexOf("/") + 1)}`;
    if (source === path) return;
    if (!lstatOrNone(source)) {
      const own = this.#tree.resolved(parent, target);
      const below = this.#tree.isBelow(own) ? this.#tree.lower.find(own) : undefined;
      if (!below) throw new Error(`its target "${readable(target)}" is not in the image`);
      copyNode(this.#native, below.path, source);
      this.#whiteouts.tookOver(own.join("/"));
      this.#inodes += 1;
      this.#size += below.stats.blocks * 512;
    }
    this.#replacing(entry, path, () => linkSync(fsPath(source), fsPath(path)));
  }

  #xattrs(entry: TarEntry, path: BytePath): void {
    setEntryXattrs(this.#native, entry, path, (name, code) => {
      if (this.#notes.length < maxNotes) {
        this.#notes.push(`layer entry "${readable(entry.path)}": attribute ${name} was left out: ${code}`);
      }
    });
  }

  #whiteout(parent: BytePath, name: BytePath): void {
    if (name === opaqueMarker) {
      this.#whiteouts.clear(parent);
      return;
    }
    if (name.startsWith(".wh..wh.")) return; // metadata of AUFS
    const victim = name.slice(whiteoutPrefix.length);
    const path = parent === "" ? victim : `${parent}/${victim}`;
    if (victim === "" || victim === "." || victim === "..") {
      throw new TarError(`layer entry "${readable(parent)}/${name}" is a whiteout of nothing`);
    }
    this.#whiteouts.hide(path);
  }

  /** Creates a file in place of an earlier entry of the same name, or a whiteout of it. */
  #replacing<T>({ path: entryPath }: TarEntry, path: BytePath, make: () => T): T {
    try {
      const made = make();
      this.#tree.created(entryPath);
      return made;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      this.#tree.remove(path);
      return make();
    }
  }
}

function nodeType({ type }: TarEntry): number {
  if (type === "fifo") return S_IFIFO;
  return type === "block" ? S_IFBLK : S_IFCHR;
}

function inEntry(path: BytePath, error: unknown): unknown {
  if (error instanceof TarError) return error;
  const message = `layer entry "${readable(path)}": ${withoutDescriptors(error)}`;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return Object.assign(new Error(message, { cause: error }), { code, syscall });
}

function withoutDescriptors(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\/proc\/self\/fd\/\d+\//g, "");
}
