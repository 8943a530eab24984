import { defined } from "@gantry/cli";
import { defineCommand } from "../../command.ts";
import { fullName } from "../../images/name.ts";
import { checkPlatform } from "../../images/platform-flags.ts";
import { refusedRegistryFlags, registryAccess, registryFlags } from "../../images/registry-flags.ts";
import { followTransfer } from "../../images/transfer.ts";
import { parseLabelFlags } from "../../parse/labels.ts";

export const command = defineCommand({
  usage: "[OPTIONS] REF",
  summary: "Fetch all content of an image from a registry, without unpacking it",
  flags: {
    ...registryFlags,
    label: { type: "list", value: "KEY=VALUE", doc: "Labels of the image" },
    platform: { type: "string", value: "OS/ARCH[/VARIANT]", doc: "Fetch the content of another platform" },
    "all-platforms": { type: "boolean", doc: "Fetch the content of all platforms" },
    "all-metadata": { type: "boolean", doc: "Fetch the metadata of all platforms" },
    "metadata-only": { type: "boolean", doc: "Fetch manifests and configurations, and no layers" },
  },
  refused: refusedRegistryFlags,
  args: [1, 1],
  missing: "please provide an image reference to fetch",
  examples: ["docker.io/library/busybox:latest", "--all-platforms docker.io/library/busybox:latest"],
  async run(context, { values, args: [ref = ""] }) {
    const { namespace } = context;
    const request = defined({
      namespace,
      ...(await registryAccess(context, values)),
      name: fullName(ref),
      platform: checkPlatform(values.platform),
      allPlatforms: values["all-platforms"] || undefined,
      allMetadata: values["all-metadata"] || undefined,
      metadataOnly: values["metadata-only"] || undefined,
      labels: values.label.length > 0 ? parseLabelFlags(values.label) : undefined,
      unpack: false,
    });
    const supervisor = await context.supervisor();
    const { image } = await followTransfer(context, supervisor.open("images.pull", request));
    context.out.print(`${image.name}: ${image.target.digest}`);
    return 0;
  },
});
