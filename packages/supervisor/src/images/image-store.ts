import type { Image, ResolvedImage } from "@gantry/ipc/contracts/supervisor";
import { formatReference, type ImageDescriptor, parseReference, repositoryName } from "@gantry/oci-spec";
import { inContext, invalidArgument, notFound } from "../errors.ts";
import { collect } from "../gc/collect.ts";
import type { Stores } from "../stores.ts";
import { chainIds, findPlatformImage, type PlatformImage, requirePlatform, wantedPlatform } from "./image-content.ts";
import type { Unpacker } from "./unpack/unpacker.ts";

/** containerd's label of a blob: the comma-separated repositories of a registry that it came from. */
const sourceLabel = "containerd.io/distribution.source.";

/** Names of images, and their resolution to the manifest, configuration and snapshot of a platform. */
export class ImageStore {
  readonly stores: Stores;
  readonly unpacker: Unpacker;

  constructor(stores: Stores, unpacker: Unpacker) {
    this.stores = stores;
    this.unpacker = unpacker;
  }

  /** @throws RpcError NotFound */
  get(namespace: string, name: string): Image {
    const image = this.stores.metadata.images.get(namespace, name);
    if (!image) throw notFound(`no such image: ${name}`);
    return image;
  }

  /** Points a name at a target; a name that exists is moved. @returns changed: false when it had this target already */
  set(
    namespace: string,
    name: string,
    target: ImageDescriptor,
    labels?: Record<string, string>,
  ): { image: Image; changed: boolean } {
    const { metadata } = this.stores;
    const before = metadata.images.get(namespace, name);
    const isSame = before?.target.digest === target.digest;
    if (isSame && labels === undefined) return { image: before, changed: false };
    const topic = before ? "/images/update" : "/images/create";
    metadata.events.publishing(() => {
      metadata.namespaces.ensure(namespace);
      metadata.images.put(namespace, name, plainDescriptor(target), labels ?? before?.labels);
      return { result: undefined, events: [{ namespace, topic, id: name }] };
    }, true);
    if (before) collect(this.stores, namespace);
    return { image: this.get(namespace, name), changed: !isSame };
  }

  /** Removes a name, and the content that only it needed. @returns digests of the removed blobs */
  delete(namespace: string, name: string): string[] {
    const { metadata } = this.stores;
    this.get(namespace, name);
    metadata.events.publishing(() => {
      metadata.images.delete(namespace, name);
      return { result: undefined, events: [{ namespace, topic: "/images/delete", id: name }] };
    });
    return collect(this.stores, namespace).content;
  }

  /** Finds an image's manifest and configuration for a platform in the content store. */
  async platformImage(
    namespace: string,
    image: { readonly name: string; readonly target: ImageDescriptor },
    platformText: string | undefined,
  ): Promise<PlatformImage> {
    const platform = wantedPlatform(platformText);
    const read = ({ digest }: ImageDescriptor) => {
      if (!this.stores.content.has(namespace, digest)) {
        throw notFound(`image ${image.name} is not here for ${platformText ?? "this platform"}: ${digest} is missing`);
      }
      return this.stores.content.readAll(namespace, digest);
    };
    try {
      const found = await findPlatformImage(image.target, platform, read);
      if (platformText !== undefined) requirePlatform(image.name, found.config, platform);
      return found;
    } catch (error) {
      throw inContext(error, image.name);
    }
  }

  /** Resolves an image for a platform, and unpacks it. */
  async resolve(namespace: string, name: string, platformText: string | undefined): Promise<ResolvedImage> {
    const image = this.get(namespace, name);
    using lease = this.stores.leases.acquire();
    lease.add(image.target.digest);
    const found = await this.platformImage(namespace, image, platformText);
    const { manifest, manifestDescriptor, config } = found;
    const chainId = await this.unpacker.unpack(namespace, found);
    const layerBytes = manifest.layers.reduce((sum, { size }) => sum + size, 0);
    return {
      image,
      manifest: plainDescriptor(manifestDescriptor),
      config: plainDescriptor(manifest.config),
      configDocument: config,
      chainId,
      unpackedSize: chainId === "" ? 0 : this.#unpackedSize(namespace, chainId),
      contentSize: layerBytes + manifest.config.size + manifestDescriptor.size,
      repoDigests: this.#repoDigests(namespace, image),
    };
  }

  /** Records the blobs and the snapshot that an image's documents need. */
  link(image: PlatformImage): void {
    const { metadata } = this.stores;
    const { manifest, manifestDescriptor, config, path } = image;
    metadata.db.transaction(() => {
      for (const [at, parent] of path.entries()) {
        const child = path[at + 1];
        if (child) metadata.blobs.link(parent.digest, [child.digest]);
      }
      const needs = [manifest.config.digest, ...manifest.layers.map(({ digest }) => digest)];
      metadata.blobs.link(manifestDescriptor.digest, [...needs, ...chainIds(config).slice(-1)]);
    });
  }

  /** Records that a registry's repository has a blob. */
  noteSource(namespace: string, target: string, name: string): void {
    const { domain, path } = parseReference(name);
    const label = `${sourceLabel}${domain}`;
    const known = sourcesOf(this.stores.metadata.blobs.get(namespace, target)?.labels ?? {}, domain);
    if (known.includes(path)) return;
    this.stores.metadata.blobs.setLabels(namespace, target, { [label]: [...known, path].join(",") });
  }

  #unpackedSize(namespace: string, chainId: string): number {
    const { snapshots } = this.stores;
    return snapshots.wholeSize(snapshots.get(namespace, chainId));
  }

  #repoDigests(namespace: string, image: Image): string[] {
    const labels = this.stores.metadata.blobs.get(namespace, image.target.digest)?.labels ?? {};
    return Object.entries(labels).flatMap(([label, paths]) => {
      if (!label.startsWith(sourceLabel)) return [];
      const domain = label.slice(sourceLabel.length);
      return paths.split(",").map((path) => `${repositoryName({ domain, path })}@${image.target.digest}`);
    });
  }
}

/** Repositories of a registry that a blob is known to be in. */
export function sourcesOf(labels: Readonly<Record<string, string>>, domain: string): string[] {
  return labels[`${sourceLabel}${domain}`]?.split(",") ?? [];
}

/** The fields of a descriptor that the contract has. */
export function plainDescriptor(descriptor: ImageDescriptor): Image["target"] {
  const { mediaType, digest, size, annotations, platform, artifactType } = descriptor;
  const plainPlatform = platform && {
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    ...(platform["os.version"] === undefined ? {} : { "os.version": platform["os.version"] }),
    ...(platform["os.features"] === undefined ? {} : { "os.features": platform["os.features"] }),
  };
  return {
    mediaType,
    digest,
    size,
    ...(annotations === undefined ? {} : { annotations }),
    ...(plainPlatform === undefined ? {} : { platform: plainPlatform }),
    ...(artifactType === undefined ? {} : { artifactType }),
  };
}

/** @throws RpcError InvalidArgument for anything but a full name with a tag or digest */
export function requireFullName(name: string): void {
  let full: string;
  try {
    const reference = parseReference(name);
    full = formatReference(reference);
    if (reference.tag === undefined && reference.digest === undefined) full += ":latest";
  } catch (error) {
    throw invalidArgument((error as Error).message, error);
  }
  if (full !== name) throw invalidArgument(`image names must be given in full: ${full}, not ${name}`);
}
