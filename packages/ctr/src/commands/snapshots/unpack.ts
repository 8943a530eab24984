import { chainIdsOf, parseImageConfig, parseManifest } from "@gantry/oci-spec";
import { CommandError, defineCommand } from "../../command.ts";
import { readBlob } from "../../images/blob.ts";
import { ofSnapshotter, snapshotterFlag } from "../../images/snapshotter.ts";
import { checkDigest } from "../../parse/digest.ts";
import { applyLayer, type LayerScope } from "../../snapshots/apply-layer.ts";

export const command = defineCommand({
  usage: "[OPTIONS] DIGEST",
  summary:
    "Apply the layers of a manifest in the content store, each to a snapshot on the one before; print the last one's key",
  flags: { ...snapshotterFlag },
  args: [1, 1],
  missing: "please provide the digest of a manifest",
  examples: ["sha256:…", "--snapshotter native sha256:…"],
  async run(context, { values, args: [given = ""] }) {
    const digest = checkDigest(given);
    const { namespace } = context;
    const source = { supervisor: await context.supervisor(), namespace };
    const { config, layers } = parseManifest(await readBlob(source, digest));
    const diffIds = parseImageConfig(await readBlob(source, config.digest)).rootfs.diff_ids ?? [];
    if (diffIds.length !== layers.length) {
      throw new CommandError(`manifest ${digest} has ${layers.length} layers and ${diffIds.length} diff ids`);
    }
    const scope: LayerScope = { ...source, chosen: ofSnapshotter(context, values.snapshotter) };
    let parent = "";
    for (const [at, key] of chainIdsOf(diffIds).entries()) {
      const [layer, diffId] = [layers[at], diffIds[at]];
      if (layer && diffId) await applyLayer(scope, { key, parent, layer, diffId });
      parent = key;
    }
    context.out.print(parent);
    return 0;
  },
});
