import { randomBytes } from "node:crypto";
import { KeyedLock } from "@gantry/common/keyed-lock";
import type { NativeSys } from "@gantry/native-sys";
import type { ImageDescriptor } from "@gantry/oci-spec";
import { inContext, invalidArgument } from "../../errors.ts";
import { type AppliedLayer, applyLayer, type LayerTarget } from "../../layers/apply-layer.ts";
import { applyLayerApart, type SelfCommand } from "../../layers/layer-process.ts";
import { counted, isLayerFile, type LayerSource, readDescriptor } from "../../layers/layer-source.ts";
import type { Stores } from "../../stores.ts";
import { chainIds, type PlatformImage } from "../image-content.ts";
import { type ProgressReporter, shortDigest } from "../progress.ts";

/** Size, as it comes, of layers that are worth a process of their own: its start takes some 30 ms. */
const apartBytes = 4 << 20;

export const extractPrefix = "extract-";

interface LayerStep {
  readonly namespace: string;
  readonly layer: ImageDescriptor;
  readonly diffId: string;
  readonly chainId: string;
  readonly parent: string;
}

/** Turns images' layers into committed snapshots, each named by its chain id. */
export class Unpacker {
  readonly #native: NativeSys;
  readonly #self: SelfCommand | undefined;
  readonly #stores: Stores;
  /** Two pulls may bring the same layer. */
  readonly #lock = new KeyedLock();

  /** @param self to unpack large layers in processes of their own; undefined: all are unpacked in this one */
  constructor(native: NativeSys, stores: Stores, self?: SelfCommand) {
    this.#native = native;
    this.#self = self;
    this.#stores = stores;
  }

  /** Removes what an earlier process was unpacking. */
  removeLeftovers(): void {
    const { metadata, snapshots } = this.#stores;
    for (const { name } of metadata.namespaces.list()) {
      for (const row of metadata.snapshots.list(name)) {
        if (row.kind === "active" && row.key.startsWith(extractPrefix)) snapshots.remove(row);
      }
    }
  }

  /**
   * Unpacks the layers that are not unpacked yet.
   * @param open gives a layer's bytes while they are still being fetched, which end once they are checked and in the
   * content store, and fail when they never come; or a file of bytes that have been checked. Undefined: they are in
   * the store.
   * @returns the chain id of the last layer; empty for an image without layers
   */
  async unpack(
    namespace: string,
    image: Pick<PlatformImage, "manifest" | "config">,
    progress?: ProgressReporter,
    open: (layer: ImageDescriptor) => LayerSource | undefined = () => undefined,
  ): Promise<string> {
    const diffIds = image.config.rootfs.diff_ids ?? [];
    const { layers } = image.manifest;
    if (diffIds.length !== layers.length) {
      throw invalidArgument(`the manifest has ${layers.length} layers, the configuration ${diffIds.length}`);
    }
    const chain = chainIds(image.config);
    using lease = this.#stores.leases.hold();
    lease.add(...chain);
    let parent = "";
    for (const [at, chainId] of chain.entries()) {
      const layer = layers[at] as ImageDescriptor;
      const step = { namespace, layer, diffId: diffIds[at] as string, chainId, parent };
      await this.#lock.run(`${namespace} ${chainId}`, () => this.#unpackLayer(step, progress, open));
      parent = chainId;
    }
    return parent;
  }

  async #unpackLayer(
    step: LayerStep,
    progress: ProgressReporter | undefined,
    open: (layer: ImageDescriptor) => LayerSource | undefined,
  ): Promise<void> {
    const { namespace, layer, diffId, chainId, parent } = step;
    const { snapshots, content } = this.#stores;
    const id = shortDigest(layer.digest);
    if (snapshots.find(namespace, chainId)) return;
    const key = `${extractPrefix}${randomBytes(6).toString("hex")} ${chainId}`;
    using lease = this.#stores.leases.hold();
    lease.add(key);
    const row = await snapshots.prepare(namespace, key, parent, { managed: true });
    try {
      const source = open(layer) ?? content.open(namespace, layer.digest);
      const checked = isLayerFile(source) ? { digest: layer.digest } : {};
      const target = { ...snapshots.layerTarget(row), ...checked };
      const applied = await this.#apply(source, target, layer, (read) =>
        progress?.figure("Extracting", id, read, layer.size),
      );
      if (applied.diffId !== diffId) {
        throw invalidArgument(`wrong content: unpacked it is ${applied.diffId}, the image says ${diffId}`);
      }
      // A copying driver's snapshot holds more than the layer: that is counted.
      await snapshots.commit(row, chainId, snapshots.isStacked(row) ? { usage: applied } : {});
      progress?.step("Pull complete", id);
    } catch (error) {
      snapshots.remove(row);
      throw inContext(error, `layer ${layer.digest}`);
    }
  }

  async #apply(
    source: LayerSource,
    target: LayerTarget,
    { size }: ImageDescriptor,
    onRead: (bytes: number) => void,
  ): Promise<AppliedLayer> {
    if (this.#self && size >= apartBytes) return await applyLayerApart(this.#self, source, target, onRead);
    const bytes = isLayerFile(source) ? readDescriptor(source.fd) : source;
    return await applyLayer(this.#native, counted(bytes, onRead), target);
  }
}
