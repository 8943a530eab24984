import { defined } from "@gantry/cli";
import { downloadToOutput } from "@gantry/cli/download";
import { anyNumber, defineCommand } from "../../command.ts";
import { fullName } from "../../images/name.ts";
import { refusedRegistryFlags, registryAccess, registryFlags } from "../../images/registry-flags.ts";
import { checkDigest } from "../../parse/digest.ts";

export const command = defineCommand({
  usage: "[OPTIONS] REF [DIGEST...]",
  summary:
    "Write objects of a registry's repository to standard output: those with the digests, else the one that REF names. Nothing is stored",
  flags: registryFlags,
  refused: refusedRegistryFlags,
  args: [1, anyNumber],
  missing: "please provide an image reference to fetch from",
  examples: ["docker.io/library/busybox:latest | jq .", "registry.example:5000/app sha256:… | tar -tz"],
  async run(context, { values, args: [ref = "", ...texts] }) {
    const { namespace, out } = context;
    const name = fullName(ref);
    const digests = texts.length > 0 ? texts.map(checkDigest) : [undefined];
    const access = await registryAccess(context, values);
    const supervisor = await context.supervisor();
    for (const digest of digests) {
      await downloadToOutput(
        out,
        supervisor.open("images.fetchObject", defined({ namespace, ...access, name, digest })),
      );
    }
    return 0;
  },
});
