import { resolve } from "node:path";
import { defined } from "@gantry/cli";
import { checkOutputPath, downloadToFile, downloadToOutput } from "@gantry/cli/download";
import { anyNumber, defineCommand } from "../../command.ts";
import { fullName } from "../../images/name.ts";
import { checkPlatform } from "../../images/platform-flags.ts";

export const command = defineCommand({
  usage: "[OPTIONS] FILE|- IMAGE...",
  summary: "Export images as an OCI archive that Docker reads, too",
  flags: {
    "skip-manifest-json": { type: "boolean", doc: "Omit manifest.json, which only Docker needs" },
    "skip-non-distributable": { type: "boolean", doc: "Leave out non-distributable layers" },
    platform: { type: "list", value: "OS/ARCH[/VARIANT]", doc: "Export the content of a platform" },
    "all-platforms": { type: "boolean", doc: "Export the content of all platforms" },
  },
  args: [2, anyNumber],
  missing: "please provide both an output filename and an image reference to export",
  examples: ["busybox.tar docker.io/library/busybox:latest", "- busybox | gzip > busybox.tar.gz"],
  async run(context, { values, args: [file = "", ...names] }) {
    const platforms = values.platform.flatMap((text) => checkPlatform(text) ?? []);
    const request = defined({
      namespace: context.namespace,
      images: names.map((name) => ({ name: fullName(name) })),
      format: values["skip-manifest-json"] ? ("oci" as const) : ("docker" as const),
      platforms: platforms.length > 0 ? platforms : undefined,
      allPlatforms: values["all-platforms"] || undefined,
      skipNonDistributable: values["skip-non-distributable"] || undefined,
    });
    if (file !== "-") await checkOutputPath(resolve(context.cwd, file));
    const supervisor = await context.supervisor();
    const stream = supervisor.open("images.export", request);
    if (file === "-") await downloadToOutput(context.out, stream);
    else await downloadToFile(resolve(context.cwd, file), stream);
    return 0;
  },
});
