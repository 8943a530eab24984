import { defined } from "@gantry/cli";
import { type Context, defineCommand } from "../../command.ts";
import { fullName } from "../../images/name.ts";
import { checkPlatform } from "../../images/platform-flags.ts";
import { refusedRegistryFlags, registryAccess, registryFlags } from "../../images/registry-flags.ts";
import { followTransfer } from "../../images/transfer.ts";
import { checkDigest } from "../../parse/digest.ts";

export const command = defineCommand({
  usage: "[OPTIONS] REMOTE [LOCAL]",
  summary: "Push an image to a registry",
  flags: {
    ...registryFlags,
    manifest: { type: "string", value: "DIGEST", doc: "Push this manifest" },
    "manifest-type": {
      type: "string",
      value: "TYPE",
      default: "application/vnd.oci.image.manifest.v1+json",
      doc: "Media type of the manifest given by its digest",
    },
    platform: { type: "string", value: "OS/ARCH[/VARIANT]", doc: "Push the content of one platform" },
    "max-concurrent-uploaded-layers": { type: "integer", value: "N", doc: "Layers pushed at a time" },
    "allow-non-distributable-blobs": { type: "boolean", doc: "Push non-distributable blobs" },
  },
  refused: refusedRegistryFlags,
  args: [1, 2],
  missing: "please provide a remote image reference to push",
  examples: ["registry.example:5000/app:1 docker.io/library/app:latest"],
  async run(context, { values, args: [remote = "", local] }) {
    const { namespace } = context;
    const access = await registryAccess(context, values);
    const request = defined({
      namespace,
      ...access,
      name: fullName(remote),
      source: local === undefined ? undefined : fullName(local),
      target: await manifestTarget(context, values.manifest, values["manifest-type"]),
      platform: checkPlatform(values.platform),
      nonDistributable: values["allow-non-distributable-blobs"] || undefined,
      parallel: values["max-concurrent-uploaded-layers"] || undefined,
    });
    const supervisor = await context.supervisor();
    const { target } = await followTransfer(context, supervisor.open("images.push", request));
    context.out.print(`${request.name}: ${target.digest}`);
    return 0;
  },
});

async function manifestTarget({ namespace, supervisor }: Context, given: string | undefined, mediaType: string) {
  if (given === undefined) return undefined;
  const digest = checkDigest(given);
  const { size } = await (await supervisor()).call("content.info", { namespace, digest });
  return { digest, mediaType, size };
}
