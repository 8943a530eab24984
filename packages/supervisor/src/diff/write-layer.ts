import { closeSync, constants, openSync, readlinkSync, readSync } from "node:fs";
import { setImmediate as yieldToEventLoop } from "node:timers/promises";
import { deviceNumbers, isSystemError, type NativeSys } from "@gantry/native-sys";
import { type BytePath, fsPath } from "@gantry/tree-copy/byte-path";
import { dataRanges } from "@gantry/tree-copy/content";
import type { EntryType } from "../layers/tar-header.ts";
import { encodeHeader, endOfArchive, type NewEntry, paddingAfter } from "../layers/tar-writer.ts";
import type { Change } from "./changes.ts";
import type { LinkGroups } from "./link-groups.ts";
import type { ViewNode } from "./merged-view.ts";
import { layerXattrs } from "./same-file.ts";

const whiteoutPrefix = ".wh.";
const pieceBytes = 1 << 20;

/**
 * Writes changes as a layer's tar (image-spec layer.md). Equal trees give equal bytes. Files that a layer cannot
 * represent are left out: sockets, and names that begin with ".wh.", which would be read as whiteouts.
 * @returns pieces of about a megabyte, each valid until the next one is requested
 */
export async function* writeLayer(
  native: NativeSys,
  changes: readonly Change[],
  links: LinkGroups,
): AsyncGenerator<Buffer> {
  const pieces = new Pieces();
  const writer = new LayerEntries(native, links, pieces);
  for (const change of changes) {
    for (const full of writer.entry(change)) {
      yield full;
      await yieldToEventLoop();
    }
  }
  yield* pieces.add(endOfArchive);
  yield pieces.rest();
}

class LayerEntries {
  readonly #native: NativeSys;
  readonly #links: LinkGroups;
  readonly #pieces: Pieces;
  /** First names of files that were written. */
  readonly #written = new Set<BytePath>();

  constructor(native: NativeSys, links: LinkGroups, pieces: Pieces) {
    this.#native = native;
    this.#links = links;
    this.#pieces = pieces;
  }

  *entry({ path, node }: Change): Generator<Buffer> {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (node === undefined) {
      yield* this.#pieces.add(encodeHeader(whiteout(path, name)));
      return;
    }
    const type = typeOf(node);
    if (type === undefined || name.startsWith(whiteoutPrefix)) return;
    try {
      yield* this.#node(path, node, type);
    } catch (error) {
      // Removed by a running container.
      if (!isSystemError(error, "ENOENT")) throw error;
    }
  }

  *#node(path: BytePath, node: ViewNode, type: EntryType): Generator<Buffer> {
    const { stats } = node;
    const metadata = { mode: Number(stats.mode & 0o7777n), uid: Number(stats.uid), gid: Number(stats.gid) };
    const entry = { path, type, ...metadata, size: 0, mtimeNs: stats.mtimeNs };
    const first = type === "directory" ? path : this.#links.first(path, node);
    if (first !== path && this.#written.has(first)) {
      yield* this.#pieces.add(encodeHeader({ ...entry, type: "link", linkPath: first }));
      return;
    }
    const whole: NewEntry = { ...entry, xattrs: layerXattrs(this.#native, node.path) };
    if (type === "file") yield* this.#file(node, whole);
    else if (type === "directory") yield* this.#pieces.add(encodeHeader({ ...whole, path: `${path || "."}/` }));
    else if (type === "symlink") {
      const linkPath = readlinkSync(fsPath(node.path), "latin1");
      yield* this.#pieces.add(encodeHeader({ ...whole, linkPath, mode: 0o777 }));
    } else {
      const device = deviceNumbers(stats.rdev);
      yield* this.#pieces.add(encodeHeader(type === "fifo" ? whole : { ...whole, ...device }));
    }
    if (first === path) this.#written.add(path);
  }

  /** Writes exactly as many bytes as the header states, also when the file changes in the meantime. */
  *#file({ path, stats }: ViewNode, entry: NewEntry): Generator<Buffer> {
    const size = Number(stats.size);
    const fd = openSync(fsPath(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      yield* this.#pieces.add(encodeHeader({ ...entry, size }));
      let done = 0;
      const isSparse = stats.blocks * 512n < stats.size;
      for (const { start, end } of isSparse ? dataRanges(this.#native, fd, size) : [{ start: 0, end: size }]) {
        yield* this.#pieces.zeros(start - done);
        done = start + (yield* this.#pieces.read(fd, start, end));
      }
      yield* this.#pieces.zeros(size - done + paddingAfter(size));
    } finally {
      closeSync(fd);
    }
  }
}

function whiteout(path: BytePath, name: BytePath): NewEntry {
  const hidden = `${path.slice(0, path.length - name.length)}${whiteoutPrefix}${name}`;
  return { path: hidden, type: "file", mode: 0, uid: 0, gid: 0, size: 0, mtimeNs: 0n };
}

function typeOf({ stats }: ViewNode): EntryType | undefined {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isFIFO()) return "fifo";
  if (stats.isCharacterDevice()) return "character";
  return stats.isBlockDevice() ? "block" : undefined;
}

/** Collects bytes in pieces of one size, and reads files directly into them. */
class Pieces {
  /** Two buffers: one is hashed and stored while the other is filled. */
  readonly #buffers = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)] as [Buffer, Buffer];
  #at = 0;

  *add(bytes: Uint8Array): Generator<Buffer> {
    for (let from = 0; from < bytes.length; ) {
      const part = bytes.subarray(from, from + pieceBytes - this.#at);
      this.#buffers[0].set(part, this.#at);
      from += part.length;
      yield* this.#filled(part.length);
    }
  }

  *zeros(count: number): Generator<Buffer> {
    for (let left = count; left > 0; ) {
      const part = Math.min(left, pieceBytes - this.#at);
      this.#buffers[0].fill(0, this.#at, this.#at + part);
      left -= part;
      yield* this.#filled(part);
    }
  }

  /** Reads a range of a file. @returns the number of bytes read */
  *read(fd: number, start: number, end: number): Generator<Buffer, number> {
    let position = start;
    while (position < end) {
      const room = Math.min(end - position, pieceBytes - this.#at);
      const length = readSync(fd, this.#buffers[0], this.#at, room, position);
      if (length === 0) break;
      position += length;
      yield* this.#filled(length);
    }
    return position - start;
  }

  rest(): Buffer {
    return this.#buffers[0].subarray(0, this.#at);
  }

  *#filled(count: number): Generator<Buffer> {
    this.#at += count;
    if (this.#at < pieceBytes) return;
    const full = this.#buffers[0];
    this.#buffers.reverse();
    this.#at = 0;
    yield full;
  }
}
