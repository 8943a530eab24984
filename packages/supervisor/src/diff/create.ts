import { createHash } from "node:crypto";
import type { NativeSys } from "@gantry/native-sys";
import { type ImageDescriptor, mediaTypes } from "@gantry/oci-spec";
import { toBytePath } from "@gantry/tree-copy/byte-path";
import type { Lease } from "../content/leases.ts";
import { invalidArgument } from "../errors.ts";
import type { SnapshotRow } from "../metadata/snapshots.ts";
import type { Stores } from "../stores.ts";
import { changesBetween } from "./changes.ts";
import { compress, type LayerCompression } from "./compress.ts";
import { MergedView } from "./merged-view.ts";
import { writeLayer } from "./write-layer.ts";

/** containerd's label of a compressed blob: the digest of its uncompressed content. */
export const uncompressedLabel = "containerd.io/uncompressed";

export interface DiffOptions {
  /** The upper snapshot. */
  readonly upper: SnapshotRow;
  /** The lower snapshot, of the same snapshotter; undefined for an empty tree. */
  readonly lower: SnapshotRow | undefined;
  readonly mediaType: string;
  readonly labels?: Record<string, string> | undefined;
  /** Removed by gc once nothing needs it. */
  readonly managed: boolean;
  /** Keeps the blob from being collected while it has no other user. */
  readonly lease?: Lease;
  readonly signal?: AbortSignal;
  /** Paths that do not count as changes where they are new and empty. */
  readonly leaveOut?: readonly string[] | undefined;
}

export interface CreatedDiff {
  readonly descriptor: ImageDescriptor;
  /** Digest of the uncompressed tar. */
  readonly diffId: string;
}

/** Stores the difference between two snapshots as a layer. */
export async function createDiff(native: NativeSys, stores: Stores, options: DiffOptions): Promise<CreatedDiff> {
  const { snapshots, content } = stores;
  const { upper, lower, mediaType, labels, managed, signal } = options;
  const leaveOut = new Set((options.leaveOut ?? []).map((path) => toBytePath(path.replace(/^\/+/, ""))));
  const view = new MergedView(native, snapshots.isStacked(upper));
  const layersOf = (row: SnapshotRow) => snapshots.layers(row).map(toBytePath);
  const top = view.root(layersOf(upper));
  if (!top) throw invalidArgument(`snapshot ${upper.key} has no files`);
  const { changes, links } = await changesBetween(view, lower && view.root(layersOf(lower)), top, leaveOut);
  const hash = createHash("sha256");
  const compression = compressionOf(mediaType);
  using ingest = content.ingest();
  const pieces = writeLayer(native, changes, links);
  const plain = compression === "none" ? pieces : hashed(pieces, (piece) => hash.update(piece));
  for await (const piece of compress(plain, compression)) {
    signal?.throwIfAborted();
    ingest.write(piece);
  }
  const diffId = compression === "none" ? ingest.digest : `sha256:${hash.digest("hex")}`;
  const stored = {
    namespace: upper.namespace,
    managed,
    lease: options.lease,
    signal,
    labels: { ...labels, [uncompressedLabel]: diffId },
  };
  const { digest, size } = await content.commit(ingest, stored);
  return { descriptor: { mediaType, digest, size }, diffId };
}

function compressionOf(mediaType: string): LayerCompression {
  if (/[+.]gzip$/.test(mediaType)) return "gzip";
  if (mediaType.endsWith("+zstd")) return "zstd";
  if (mediaType === mediaTypes.layer || mediaType.endsWith(".diff.tar")) return "none";
  throw invalidArgument(`a layer cannot be written as ${mediaType}`);
}

async function* hashed(pieces: AsyncIterable<Buffer>, take: (piece: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    take(piece);
    yield piece;
  }
}
