import { isRpcError } from "@gantry/ipc/contracts/errors";
import type { ImageDescriptor } from "@gantry/oci-spec";
import { CommandError } from "../command.ts";
import type { BlobSource } from "../images/blob.ts";
import type { SnapshotterName } from "../images/snapshotter.ts";

export interface LayerScope extends BlobSource {
  readonly chosen: { readonly snapshotter?: SnapshotterName };
}

export interface LayerStep {
  /** Name of the committed snapshot: the chain id. */
  readonly key: string;
  readonly parent: string;
  readonly layer: ImageDescriptor;
  readonly diffId: string;
}

/** Unpacks one layer onto its parent, unless that has been done; a failure leaves nothing behind. */
export async function applyLayer(scope: LayerScope, step: LayerStep): Promise<void> {
  if (await isThere(scope, step.key)) return;
  const { supervisor, namespace, chosen } = scope;
  const active = { namespace, ...chosen, key: `extract-${crypto.randomUUID()} ${step.key}` };
  const { mediaType, digest, size } = step.layer;
  await supervisor.call("snapshots.prepare", { ...active, parent: step.parent });
  try {
    const { diffId } = await supervisor.call("diff.apply", { ...active, descriptor: { mediaType, digest, size } });
    if (diffId !== step.diffId) throw new CommandError(`layer ${digest} has the diff id ${diffId}, not ${step.diffId}`);
    await supervisor.call("snapshots.commit", { ...active, name: step.key });
  } catch (error) {
    await supervisor.call("snapshots.remove", active).catch(() => {});
    // Another process has unpacked it in the meantime.
    if (!isRpcError(error, "AlreadyExists")) throw error;
  }
}

async function isThere({ supervisor, namespace, chosen }: LayerScope, key: string): Promise<boolean> {
  try {
    await supervisor.call("snapshots.stat", { namespace, ...chosen, key });
    return true;
  } catch (error) {
    if (isRpcError(error, "NotFound")) return false;
    throw error;
  }
}
