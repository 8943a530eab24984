import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, unlinkSync } from "node:fs";
import { AT_FDCWD, type NativeSys, O_CLOEXEC, O_DIRECTORY, O_PATH, openInRoot } from "@gantry/native-sys";
import { type BytePath, fsPath, readable } from "@gantry/tree-copy/byte-path";
import { copyDirectory } from "@gantry/tree-copy/copy-node";
import { isOpaque, isWhiteout, LowerView, lstatOrNone, opaqueXattr } from "./lower-view.ts";

const maxLinks = 40;
const openDirectories = 8;
const directoryFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;

/**
 * The directory that a layer is written into. Directories inside are reached by descriptors that the kernel
 * resolved with the layer's root as the root (openat2(2), RESOLVE_IN_ROOT): whatever links a layer has, nothing
 * outside is ever opened.
 */
export class LayerTree {
  readonly native: NativeSys;
  readonly lower: LowerView;
  readonly #rootFd: number;
  readonly #rootPath: BytePath;
  /** Recently used directories by their path in the tar; the oldest is closed first. */
  readonly #open = new Map<string, number>();
  /** Descriptors that their path may not lead to any more; the entry that is being written still uses them. */
  #stale: number[] = [];
  /** Times of directories that existed before, by path: creating entries in them changes the times. */
  readonly formerTimes = new Map<BytePath, bigint>();
  readonly #isFilled: boolean;
  /** True for a path, free of links, whose file was there before this layer. */
  isOlder: (path: BytePath) => boolean = () => false;

  constructor(native: NativeSys, root: string, lowers: readonly string[]) {
    this.native = native;
    this.lower = new LowerView(native, lowers);
    this.#rootFd = native.openat2(AT_FDCWD, root, directoryFlags, 0, 0);
    this.#rootPath = readlinkSync(descriptorPath(this.#rootFd), "latin1");
    this.#isFilled = readdirSync(root).length > 0;
  }

  /** A path through which the directory's entries can be accessed; missing directories are created. */
  directory(path: BytePath): BytePath {
    return this.existing(path) ?? this.#adopt(path, this.#make(path));
  }

  /** The same; undefined where this layer has no such directory. */
  existing(path: BytePath): BytePath | undefined {
    if (this.#stale.length > 0) this.#closeStale();
    const known = this.#open.get(path);
    if (known !== undefined) return descriptorPath(known);
    const fd = this.#openInRoot(path);
    return fd === undefined ? undefined : this.#adopt(path, fd);
  }

  /**
   * The components of a path whose parent directory may have been reached through links.
   * @param directory what `directory` returned for its parent
   */
  resolved(directory: BytePath, path: BytePath): BytePath[] {
    return [...this.#ownPath(directory).split("/"), path.slice(path.lastIndexOf("/") + 1)].filter(
      (name) => name !== "",
    );
  }

  /** The path in the layer of an open directory, whatever links led to it; empty for the root. */
  #ownPath(descriptor: BytePath): BytePath {
    return readlinkSync(descriptor, "latin1").slice(this.#rootPath.length + 1);
  }

  /** Called after a name was created: a link of the layers below may have led on from it until now. */
  created(path: BytePath): void {
    if (this.lower.isEmpty) return;
    const isOpen = [...this.#open.keys()].some((open) => open === path || open.startsWith(`${path}/`));
    if (isOpen) this.#forget();
  }

  /** True when the layers below show something at a path that this layer does not hide. @param path free of links */
  isBelow(path: readonly BytePath[]): boolean {
    let directory = `${descriptorPath(this.#rootFd)}`;
    for (const name of path.slice(0, -1)) {
      directory += `/${name}`;
      if (isOpaque(this.native, directory)) return false;
    }
    return this.lower.find(path) !== undefined;
  }

  /** Removes a file or a directory tree. */
  remove(path: BytePath): void {
    const stats = lstatOrNone(path);
    if (!stats) return;
    if (!stats.isDirectory()) {
      unlinkSync(fsPath(path));
      // Open directories may have been resolved through this link.
      if (stats.isSymbolicLink()) this.#forget();
      return;
    }
    this.#forget();
    rmSync(fsPath(path), { recursive: true });
  }

  /** Hides the entries of a directory in the layers below. */
  setOpaque(directory: BytePath): void {
    if (this.lower.isEmpty) return;
    this.native.setxattr(fsPath(directory), opaqueXattr, Buffer.from("y"), 0, true);
  }

  close(): void {
    this.#forget();
    this.#closeStale();
    this.native.closeFd(this.#rootFd);
  }

  /** @param path the directory's own, not one through links */
  #noteTime(path: BytePath, directory: BytePath): void {
    if (this.formerTimes.has(path)) return;
    this.formerTimes.set(path, lstatSync(fsPath(directory), { bigint: true }).mtimeNs);
  }

  /** Called before a directory or link is removed: paths through it must be resolved again. */
  #forget(): void {
    this.#stale.push(...this.#open.values());
    this.#open.clear();
  }

  #closeStale(): void {
    for (const fd of this.#stale) this.native.closeFd(fd);
    this.#stale = [];
  }

  #adopt(path: string, fd: number): string {
    if (this.#isFilled) this.#noteTime(this.#ownPath(descriptorPath(fd)), `${descriptorPath(fd)}/.`);
    this.#open.set(path, fd);
    if (this.#open.size > openDirectories) {
      const [oldest, oldFd] = this.#open.entries().next().value as [string, number];
      this.#open.delete(oldest);
      this.native.closeFd(oldFd);
    }
    return descriptorPath(fd);
  }

  #openInRoot(path: string): number | undefined {
    return openInRoot(this.native, this.#rootFd, fsPath(path === "" ? "." : path), directoryFlags);
  }

  /** Walks a path through this layer and those below, and creates the directories that only those have. */
  #make(path: string): number {
    const todo = path.split("/");
    let done: { name: string; isHiding: boolean }[] = [];
    let links = 0;
    for (let name = todo.shift(); name !== undefined; name = todo.shift()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        done.pop();
        continue;
      }
      const step = this.#step(path, done, name);
      if (step.link === undefined) {
        done.push({ name, isHiding: step.isHiding });
        continue;
      }
      links += 1;
      if (links > maxLinks) throw new Error(`${readable(path)}: too many levels of symbolic links`);
      if (step.link.startsWith("/")) done = [];
      todo.unshift(...step.link.split("/"));
    }
    const fd = this.#openInRoot(join(done));
    if (fd === undefined) throw new Error(`${readable(path)}: not a directory`);
    return fd;
  }

  #step(whole: string, done: readonly Done[], name: string): { link?: string; isHiding: boolean } {
    const parentFd = this.#openInRoot(join(done));
    if (parentFd === undefined) throw new Error(`${readable(whole)}: not a directory`);
    try {
      const path = `${descriptorPath(parentFd)}/${name}`;
      const isHidden = done.at(-1)?.isHiding ?? false;
      if (this.#isFilled) this.#noteTime(join(done), `${descriptorPath(parentFd)}/.`);
      const stats = lstatOrNone(path);
      if (stats?.isDirectory()) return { isHiding: isHidden || isOpaque(this.native, path) };
      if (stats?.isSymbolicLink()) return { link: readlinkSync(fsPath(path), "latin1"), isHiding: false };
      if (stats && isWhiteout(stats)) {
        unlinkSync(fsPath(path));
        mkdirSync(fsPath(path), 0o755);
        this.setOpaque(path);
        return { isHiding: true };
      }
      if (stats && this.isOlder(join([...done, { name, isHiding: false }]))) {
        unlinkSync(fsPath(path));
        mkdirSync(fsPath(path), 0o755);
        return { isHiding: true };
      }
      if (stats)
        throw new Error(
          `${readable(whole)}: ${readable([...done.map((each) => each.name), name].join("/"))} is not a directory`,
        );
      return this.#fromBelow(path, done, name, isHidden);
    } finally {
      this.native.closeFd(parentFd);
    }
  }

  #fromBelow(
    path: string,
    done: readonly Done[],
    name: string,
    isHidden: boolean,
  ): { link?: string; isHiding: boolean } {
    const below = isHidden ? undefined : this.lower.find([...done.map((parent) => parent.name), name]);
    if (below?.stats.isSymbolicLink()) return { link: readlinkSync(fsPath(below.path), "latin1"), isHiding: false };
    if (below?.stats.isDirectory()) {
      copyDirectory(this.native, below.path, path);
      this.#noteTime([...done.map((parent) => parent.name), name].join("/"), below.path);
    } else mkdirSync(fsPath(path), 0o755);
    return { isHiding: isHidden };
  }
}

interface Done {
  readonly name: string;
  readonly isHiding: boolean;
}

function join(done: readonly Done[]): string {
  return done.map(({ name }) => name).join("/");
}

function descriptorPath(fd: number): string {
  return `/proc/self/fd/${fd}`;
}
