import { defined } from "@gantry/cli";
import { defineCommand } from "../../command.ts";
import { fullName } from "../../images/name.ts";
import { checkPlatform } from "../../images/platform-flags.ts";
import { refusedRegistryFlags, registryAccess, registryFlags } from "../../images/registry-flags.ts";
import { requireOwnSnapshotter, snapshotterFlag } from "../../images/snapshotter.ts";
import { followTransfer } from "../../images/transfer.ts";
import { parseLabelFlags } from "../../parse/labels.ts";

export const command = defineCommand({
  usage: "[OPTIONS] REF",
  summary: "Fetch an image from a registry and prepare it for use",
  flags: {
    ...registryFlags,
    ...snapshotterFlag,
    label: { type: "list", value: "KEY=VALUE", doc: "Labels of the image" },
    platform: { type: "string", value: "OS/ARCH[/VARIANT]", doc: "Pull the content of another platform" },
    "all-platforms": { type: "boolean", doc: "Pull content and metadata of all platforms" },
    "all-metadata": { type: "boolean", doc: "Pull the metadata of all platforms" },
    "print-chainid": { type: "boolean", doc: "Print the image's chain ID" },
    "max-concurrent-downloads": { type: "integer", value: "N", doc: "Layers fetched at a time" },
  },
  refused: refusedRegistryFlags,
  args: [1, 1],
  missing: "please provide an image reference to pull",
  examples: [
    "docker.io/library/busybox:latest",
    "--plain-http registry.example:5000/app:1",
    "-u jane:secret registry.example/app:1",
  ],
  async run(context, { values, args: [ref = ""] }) {
    const { namespace, out } = context;
    const name = fullName(ref);
    const platform = checkPlatform(values.platform);
    const access = await registryAccess(context, values);
    const supervisor = await context.supervisor();
    await requireOwnSnapshotter(context, supervisor, values.snapshotter);
    const startedAt = performance.now();
    const request = defined({
      namespace,
      ...access,
      name,
      platform,
      allPlatforms: values["all-platforms"] || undefined,
      allMetadata: values["all-metadata"] || undefined,
      labels: values.label.length > 0 ? parseLabelFlags(values.label) : undefined,
      parallel: values["max-concurrent-downloads"] || undefined,
    });
    const { image } = await followTransfer(context, supervisor.open("images.pull", request));
    out.print(`${image.name}: ${image.target.digest}`);
    if (values["print-chainid"]) {
      const { chainId } = await supervisor.call("images.resolve", defined({ namespace, name, platform }));
      out.print(`image chain ID: ${chainId}`);
    }
    out.print(`done: ${((performance.now() - startedAt) / 1000).toFixed(3)}s`);
    return 0;
  },
});
