import { defined } from "@gantry/cli";
import { downloadToOutput } from "@gantry/cli/download";
import { isTerminal } from "@gantry/cli/terminal";
import { isRpcError } from "@gantry/ipc/contracts/errors";
import { CommandError, type Context, defineCommand } from "../../command.ts";
import { ofSnapshotter, snapshotterFlag } from "../../images/snapshotter.ts";
import { parseLabelFlags } from "../../parse/labels.ts";

const mediaTypes = [
  "application/vnd.oci.image.layer.v1.tar+gzip",
  "application/vnd.oci.image.layer.v1.tar+zstd",
  "application/vnd.oci.image.layer.v1.tar",
  "application/vnd.docker.image.rootfs.diff.tar.gzip",
  "application/vnd.docker.image.rootfs.diff.tar",
] as const;

export const command = defineCommand({
  usage: "[OPTIONS] KEY [PARENT]",
  summary:
    "Write the difference of two snapshots as a layer to standard output; the second one is the first one's parent unless given",
  flags: {
    "media-type": {
      type: "string",
      value: "TYPE",
      default: mediaTypes[0],
      choices: mediaTypes,
      doc: "Media type of the layer",
    },
    keep: { type: "boolean", doc: "Keep the layer in the content store, and print nothing" },
    label: { type: "list", value: "KEY=VALUE", doc: "Labels of the layer" },
    ...snapshotterFlag,
  },
  refused: { ref: "a layer is made in one go and has its digest as its name" },
  args: [1, 2],
  missing: "please provide the key of a snapshot",
  examples: ["work > layer.tar.gz", "--keep work"],
  async run(context, { values, args: [key = "", parent] }) {
    const { namespace } = context;
    if (!values.keep && isTerminal(1))
      throw new CommandError("a layer is not written to a terminal: redirect standard output, or --keep it");
    const mediaType = mediaTypes.find((type) => type === values["media-type"]);
    const labels = values.label.length > 0 ? parseLabelFlags(values.label) : undefined;
    const supervisor = await context.supervisor();
    const request = defined({
      namespace,
      key,
      parent,
      mediaType,
      labels,
      ...ofSnapshotter(context, values.snapshotter),
    });
    const { descriptor } = await supervisor.call("diff.create", request);
    if (values.keep) return 0;
    await downloadToOutput(context.out, supervisor.open("content.read", { namespace, digest: descriptor.digest }));
    await forget(context, descriptor.digest);
    return 0;
  },
});

/** The same layer may be part of an image: then it stays. */
async function forget({ namespace, supervisor }: Context, digest: string): Promise<void> {
  try {
    await (await supervisor()).call("content.delete", { namespace, digest });
  } catch (error) {
    if (!isRpcError(error, "FailedPrecondition") && !isRpcError(error, "NotFound")) throw error;
  }
}
