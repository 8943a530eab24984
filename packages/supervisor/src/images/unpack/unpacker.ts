import { randomBytes } from "node:crypto";
import { KeyedLock } from "@gantry/common/keyed-lock";
import type { NativeSys } from "@gantry/native-sys";
import type { ImageDescriptor } from "@gantry/oci-spec";
import { inContext, invalidArgument, undo } from "../../errors.ts";
import { type AppliedLayer, applyLayer, type LayerTarget } from "../../layers/apply-layer.ts";
import { applyLayerInProcess, type SelfCommand } from "../../layers/layer-process.ts";
import { counted, isLayerFile, type LayerSource, readDescriptor } from "../../layers/layer-source.ts";
import type { Stores } from "../../stores.ts";
import { chainIds, type PlatformImage } from "../image-content.ts";
import { type ProgressReporter, shortDigest } from "../progress.ts";

/** Size from which a layer is unpacked in a process of its own, whose start takes some 30 ms. */
const minProcessBytes = 4 << 20;

export const extractPrefix = "extract-";

export interface UnpackOptions {
  readonly progress?: ProgressReporter | undefined;
  /** Ends the unpacking; layers that are unpacked by then stay. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Opens a layer that is not in the content store yet: its bytes while they are being fetched, which end once they are
   * checked and stored, or fail; or a file of checked bytes. Undefined: the layer is in the store.
   */
  readonly open?: (layer: ImageDescriptor) => LayerSource | undefined;
}

interface LayerStep extends UnpackOptions {
  readonly namespace: string;
  readonly layer: ImageDescriptor;
  readonly diffId: string;
  readonly chainId: string;
  /** Chain id of the layers below; empty for the first layer. */
  readonly parent: string;
}

export interface UnpackerOptions {
  /** The command for processes that unpack large layers; undefined: all are unpacked in this process. */
  readonly self?: SelfCommand;
  /** Called for each attribute that was left out. */
  readonly onNote?: (note: string) => void;
}

/** Unpacks layers of images into committed snapshots, named by their chain ids. */
export class Unpacker {
  readonly #native: NativeSys;
  readonly #self: SelfCommand | undefined;
  readonly #stores: Stores;
  readonly #onNote: (note: string) => void;
  /** Two pulls may unpack the same layer. */
  readonly #lock = new KeyedLock();

  constructor(native: NativeSys, stores: Stores, { self, onNote = () => {} }: UnpackerOptions = {}) {
    this.#native = native;
    this.#self = self;
    this.#stores = stores;
    this.#onNote = onNote;
  }

  /** Reports what a layer's entries had that could not be written. */
  note(layer: ImageDescriptor, notes: readonly string[]): void {
    for (const note of notes) this.#onNote(`layer ${layer.digest}: ${note}`);
  }

  /** Removes the snapshots that an earlier process was unpacking. */
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
   * @returns the chain id of the last layer; empty for an image without layers
   */
  async unpack(
    namespace: string,
    image: Pick<PlatformImage, "manifest" | "config">,
    options: UnpackOptions = {},
  ): Promise<string> {
    const diffIds = image.config.rootfs.diff_ids ?? [];
    const { layers } = image.manifest;
    if (diffIds.length !== layers.length) {
      throw invalidArgument(`the manifest has ${layers.length} layers, the configuration ${diffIds.length}`);
    }
    const chain = chainIds(image.config);
    using lease = this.#stores.leases.acquire();
    lease.add(...chain);
    let parent = "";
    for (const [at, chainId] of chain.entries()) {
      const layer = layers[at] as ImageDescriptor;
      const step = { ...options, namespace, layer, diffId: diffIds[at] as string, chainId, parent };
      await this.#lock.run(`${namespace} ${chainId}`, () => this.#unpackLayer(step));
      parent = chainId;
    }
    return parent;
  }

  async #unpackLayer(step: LayerStep): Promise<void> {
    const { namespace, layer, diffId, chainId, parent, progress, signal } = step;
    const { snapshots, content } = this.#stores;
    signal?.throwIfAborted();
    if (snapshots.find(namespace, chainId)) return;
    const key = `${extractPrefix}${randomBytes(6).toString("hex")} ${chainId}`;
    using lease = this.#stores.leases.acquire();
    lease.add(key);
    const row = await snapshots.prepare(namespace, key, parent, { managed: true, signal });
    try {
      const source = step.open?.(layer) ?? content.open(namespace, layer.digest);
      const checked = isLayerFile(source) ? { digest: layer.digest } : {};
      const target = { ...snapshots.layerTarget(row), ...checked };
      const applied = await this.#apply(source, target, step);
      if (applied.diffId !== diffId) {
        throw invalidArgument(`wrong content: its diff id is ${applied.diffId}, the image has ${diffId}`);
      }
      this.note(layer, applied.notes);
      // The snapshot of a copying driver has more than the layer: it is measured.
      await snapshots.commit(row, chainId, snapshots.isStacked(row) ? { usage: applied, signal } : { signal });
      progress?.step("Pull complete", shortDigest(layer.digest));
    } catch (error) {
      await undo(() => snapshots.remove(row));
      throw inContext(error, `layer ${layer.digest}`);
    }
  }

  async #apply(
    source: LayerSource,
    target: LayerTarget,
    { layer, progress, signal }: LayerStep,
  ): Promise<AppliedLayer> {
    const { digest, size } = layer;
    const onRead = (read: number) => {
      signal?.throwIfAborted();
      progress?.figure("Extracting", shortDigest(digest), read, size);
    };
    if (this.#self && size >= minProcessBytes)
      return await applyLayerInProcess(this.#self, source, target, { onRead, signal });
    const bytes = isLayerFile(source) ? readDescriptor(source.fd) : source;
    return await applyLayer(this.#native, counted(bytes, onRead), target);
  }
}
