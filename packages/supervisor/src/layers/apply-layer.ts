import { createHash } from "node:crypto";
import type { NativeSys } from "@gantry/native-sys";
import { decompress } from "./decompress.ts";
import { LayerWriter, type WriteOptions } from "./layer-writer.ts";
import { TarReader } from "./tar-reader.ts";

export interface LayerTarget {
  /** Directory to write into. */
  readonly directory: string;
  /** Directories of the layers below, topmost first; none where the directory itself holds what is below. */
  readonly lowers: readonly string[];
  /** Whiteouts are written in overlayfs' form, or what they hide is removed. */
  readonly whiteouts: "overlay" | "remove";
  /** The uncompressed tar's digest, where it is known to be right: it is not computed again. */
  readonly diffId?: string;
}

export interface AppliedLayer {
  /** Digest of the uncompressed tar (image-spec config.md, "Layer DiffID"). */
  readonly diffId: string;
  /** Bytes on disk and inodes that were written. */
  readonly size: number;
  readonly inodes: number;
}

/** Unpacks a layer, compressed or not, into a directory. @throws Error naming the entry that is wrong */
export async function applyLayer(
  native: NativeSys,
  source: AsyncIterable<Uint8Array>,
  target: LayerTarget,
  options: WriteOptions = {},
): Promise<AppliedLayer> {
  const writer = new LayerWriter(native, target, options);
  const reader = new TarReader(writer);
  const hash = target.diffId === undefined ? createHash("sha256") : undefined;
  try {
    for await (const chunk of decompress(source)) {
      hash?.update(chunk);
      reader.push(chunk);
    }
    reader.finish();
    writer.finish();
    return { diffId: target.diffId ?? `sha256:${hash?.digest("hex")}`, ...writer.usage };
  } finally {
    writer.close();
  }
}
