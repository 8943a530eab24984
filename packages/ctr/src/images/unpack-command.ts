import { resolve } from "node:path";
import { defined } from "@gantry/cli";
import { type Command, defineCommand } from "../command.ts";
import { fullName } from "./name.ts";
import { checkPlatform } from "./platform-flags.ts";
import { followTransfer } from "./transfer.ts";

export interface UnpackSpec {
  readonly summary: string;
  readonly platformDoc: string;
  /** The directory in the example. */
  readonly directory: string;
  readonly method: "images.unpack" | "images.createBundle";
}

/** A command that writes an image's files into a directory and prints the digest of the manifest. */
export function unpackCommand({ summary, platformDoc, directory: example, method }: UnpackSpec): Command {
  return defineCommand({
    usage: "[OPTIONS] IMAGE DIR",
    summary,
    flags: { platform: { type: "string", value: "OS/ARCH[/VARIANT]", doc: platformDoc } },
    args: [2, 2],
    missing: "please provide an image and a directory",
    examples: [`docker.io/library/busybox:latest ${example}`],
    async run(context, { values, args: [image = "", directory = ""] }) {
      const { namespace, cwd } = context;
      const name = fullName(image);
      const platform = checkPlatform(values.platform);
      const supervisor = await context.supervisor();
      const request = defined({ namespace, name, platform, directory: resolve(cwd, directory) });
      const { manifest } = await followTransfer(context, supervisor.open(method, request));
      context.out.print(manifest.digest);
      return 0;
    },
  });
}
