import { gzipSync } from "node:zlib";
import { digestOf, type ImageDescriptor, mediaTypes } from "@gantry/oci-spec";
import { file, tarOf } from "./tar.ts";

export interface OddManifest {
  /** Blobs with their media types. */
  readonly layers?: readonly (readonly [bytes: Uint8Array, mediaType: string])[];
  /** The uncompressed layers, where they differ. */
  readonly plain?: readonly Uint8Array[];
  readonly configType?: string;
  /** Instead of an image's configuration. */
  readonly config?: object;
  /** Fields of the configuration. */
  readonly fields?: object;
}

/** Images of unusual documents, put together part by part, as an OCI layout in a tar. */
export class OddImage {
  readonly #blobs = new Map<string, Uint8Array>();

  put(bytes: Uint8Array, mediaType: string): ImageDescriptor {
    const digest = digestOf(bytes);
    this.#blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length } as ImageDescriptor;
  }

  document(value: object, mediaType: string): ImageDescriptor {
    return this.put(Buffer.from(JSON.stringify(value)), mediaType);
  }

  manifest({ layers = [], plain, configType = mediaTypes.config, config, fields = {} }: OddManifest): ImageDescriptor {
    const diffIds = (plain ?? layers.map(([bytes]) => bytes)).map((bytes) => digestOf(bytes));
    const image = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: diffIds }, ...fields };
    return this.document(
      {
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: this.document(config ?? image, configType),
        layers: layers.map(([bytes, type]) => this.put(bytes, type)),
      },
      mediaTypes.manifest,
    );
  }

  index(...manifests: object[]): ImageDescriptor {
    return this.document({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }, mediaTypes.index);
  }

  /** @param entries of index.json */
  async layout(...entries: object[]): Promise<Buffer> {
    const blobs = [...this.#blobs].map(([digest, bytes]) => ({
      name: `blobs/${digest.replace(":", "/")}`,
      content: bytes,
    }));
    return await tarOf(
      file("oci-layout", '{"imageLayoutVersion":"1.0.0"}'),
      file("index.json", JSON.stringify({ schemaVersion: 2, manifests: entries })),
      ...blobs,
    );
  }
}

/** A layer of one file, compressed by gzip or not. */
export async function smallLayer(content: string): Promise<{ plain: Buffer; gzip: Buffer }> {
  const plain = await tarOf(file("a", content));
  return { plain, gzip: gzipSync(plain) };
}
