import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";

export interface LayoutImage {
  /** Plain tars, or compressed by gzip or zstd. */
  readonly layers: readonly Buffer[];
  readonly config?: object;
  readonly author?: string;
  readonly architecture?: string;
  /** org.opencontainers.image.ref.name */
  readonly name?: string;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const prefix = "application/vnd.oci.image.";

/** Writes an OCI layout of images; several images of one name are the platforms of one index. */
export function makeLayout(path: string, ...images: LayoutImage[]): void {
  mkdirSync(join(path, "blobs/sha256"), { recursive: true });
  const byName = Map.groupBy(images, ({ name }) => name);
  const manifests = [...byName].map(([name, group]) => {
    const entries = group.map((image) => {
      const platform = { os: "linux", architecture: image.architecture ?? "amd64" };
      return { ...addImage(path, image), ...(group.length > 1 ? { platform } : {}) };
    });
    const [only] = entries;
    const target =
      entries.length > 1 ? addDocument(path, "index.v1+json", { schemaVersion: 2, manifests: entries }) : only;
    return { ...target, ...(name === undefined ? {} : { annotations: { "org.opencontainers.image.ref.name": name } }) };
  });
  writeFileSync(join(path, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  writeFileSync(join(path, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}

function addImage(path: string, image: LayoutImage): Descriptor {
  const { layers, config = {}, author, architecture = "amd64" } = image;
  const diffIds = layers.map((layer) => digestOf(plainOf(layer)));
  const rootfs = { type: "layers", diff_ids: diffIds };
  const document = { architecture, os: "linux", ...(author === undefined ? {} : { author }), config, rootfs };
  return addDocument(path, "manifest.v1+json", {
    schemaVersion: 2,
    mediaType: `${prefix}manifest.v1+json`,
    config: addDocument(path, "config.v1+json", document),
    layers: layers.map((layer) => addBlob(path, `${prefix}layer.v1.tar${suffixOf(layer)}`, layer)),
  });
}

function addDocument(path: string, type: string, value: object): Descriptor {
  return addBlob(path, `${prefix}${type}`, Buffer.from(JSON.stringify(value)));
}

function addBlob(path: string, mediaType: string, bytes: Buffer): Descriptor {
  const digest = digestOf(bytes);
  writeFileSync(join(path, "blobs/sha256", digest.slice(7)), bytes);
  return { mediaType, digest, size: bytes.length };
}

function suffixOf(layer: Buffer): string {
  if (layer[0] === 0x1f) return "+gzip";
  return layer[0] === 0x28 ? "+zstd" : "";
}

function plainOf(layer: Buffer): Buffer {
  if (layer[0] === 0x1f) return gunzipSync(layer);
  return layer[0] === 0x28 ? zstdDecompressSync(layer) : layer;
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
