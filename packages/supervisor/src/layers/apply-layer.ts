import type { NativeSys } from "@gantry/native-sys";
import { compressionOf, decompress, magicBytes, peek } from "./decompress.ts";
import { LayerWriter, type WriteOptions } from "./layer-writer.ts";
import { TarReader } from "./tar-reader.ts";

export interface LayerTarget {
  /** Directory to write into. */
  readonly directory: string;
  /** Directories of the layers below, topmost first; none where the directory itself holds their content. */
  readonly lowers: readonly string[];
  /** Whiteouts are written in the format of overlayfs, or applied by removing files. */
  readonly whiteouts: "overlay" | "remove";
  /** Digest of the source, where it was checked before: the diff id of an uncompressed layer is then not computed again. */
  readonly digest?: string;
}

export interface AppliedLayer {
  /** Digest of the uncompressed tar (image-spec config.md, "Layer DiffID"). */
  readonly diffId: string;
  /** Bytes on disk, and inodes, that were written. */
  readonly size: number;
  readonly inodes: number;
  /** Notes on attributes and entries that were left out. */
  readonly notes: readonly string[];
}

/** Unpacks a layer, compressed or not, into a directory. @throws Error naming the wrong entry */
export async function applyLayer(
  native: NativeSys,
  source: AsyncIterable<Uint8Array>,
  target: LayerTarget,
  options: WriteOptions = {},
): Promise<AppliedLayer> {
  const { head, all } = await peek(source, magicBytes);
  const known = compressionOf(head) === "none" ? target.digest : undefined;
  // Loaded on use: a process that unpacks one checked layer does not need it.
  const hash = known === undefined ? process.getBuiltinModule("node:crypto").createHash("sha256") : undefined;
  const writer = new LayerWriter(native, target, options);
  const reader = new TarReader(writer);
  try {
    for await (const chunk of decompress(all)) {
      hash?.update(chunk);
      reader.push(chunk);
    }
    reader.finish();
    writer.finish();
    return { diffId: known ?? `sha256:${hash?.digest("hex")}`, ...writer.usage, notes: writer.notes };
  } finally {
    writer.close();
  }
}
