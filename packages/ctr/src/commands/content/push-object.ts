import { parseReference, repositoryName } from "@gantry/oci-spec/reference";
import { defineCommand } from "../../command.ts";
import { fullName } from "../../images/name.ts";
import { refusedRegistryFlags, registryAccess, registryFlags } from "../../images/registry-flags.ts";
import { followTransfer } from "../../images/transfer.ts";
import { checkDigest } from "../../parse/digest.ts";

export const command = defineCommand({
  usage: "[OPTIONS] REF DIGEST [TYPE]",
  summary: "Push one object of the content store to a registry: a blob, or, with its media type, a manifest or index",
  flags: registryFlags,
  refused: refusedRegistryFlags,
  args: [2, 3],
  missing: "please provide an image reference and the digest of an object to push",
  examples: [
    "registry.example:5000/app sha256:…",
    "registry.example:5000/app:1 sha256:… application/vnd.oci.image.manifest.v1+json",
  ],
  async run(context, { values, args: [ref = "", text = "", mediaType = "application/octet-stream"] }) {
    const { namespace, out } = context;
    const digest = checkDigest(text);
    const request = { namespace, name: objectName(ref, digest), digest, mediaType };
    const access = await registryAccess(context, values);
    const supervisor = await context.supervisor();
    const stream = supervisor.open("images.pushObject", { ...access, ...request });
    const { target, pushed } = await followTransfer(context, stream);
    out.print(`${pushed ? "Pushed" : "Already there:"} ${target.digest} ${target.mediaType}`);
    return 0;
  },
});

/** A name without a tag must not take "latest" from an image. */
function objectName(ref: string, digest: string): string {
  const full = fullName(ref);
  const { tag, digest: own } = parseReference(ref);
  return tag === undefined && own === undefined ? `${repositoryName(parseReference(full))}@${digest}` : full;
}
