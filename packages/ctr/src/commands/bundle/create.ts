import { resolve } from "node:path";
import { defined } from "@gantry/cli";
import { defineCommand } from "../../command.ts";
import { fullName } from "../../images/name.ts";
import { checkPlatform } from "../../images/platform-flags.ts";
import { followTransfer } from "../../images/transfer.ts";

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE DIR",
  summary:
    "Make a runtime bundle of an image: DIR/config.json and DIR/rootfs, ready for an OCI runtime; DIR must be empty or not there",
  flags: { platform: { type: "string", value: "OS/ARCH[/VARIANT]", doc: "Take another platform's" } },
  args: [2, 2],
  missing: "please provide an image and a directory",
  examples: ["docker.io/library/busybox:latest bundle"],
  async run(context, { values, args: [image = "", directory = ""] }) {
    const { namespace, cwd } = context;
    const name = fullName(image);
    const platform = checkPlatform(values.platform);
    const supervisor = await context.supervisor();
    const request = defined({ namespace, name, platform, directory: resolve(cwd, directory) });
    const { manifest } = await followTransfer(context, supervisor.open("images.createBundle", request));
    context.out.print(manifest.digest);
    return 0;
  },
});
