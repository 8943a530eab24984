import { resolve } from "node:path";
import { defined } from "@gantry/cli";
import { defineCommand } from "../../command.ts";
import { fullName } from "../../images/name.ts";
import { checkPlatform } from "../../images/platform-flags.ts";
import { requireOwnSnapshotter, snapshotterFlag } from "../../images/snapshotter.ts";

export const command = defineCommand({
  usage: "[OPTIONS] REF TARGET",
  summary: "Mount an image's root file system on a path; the unmount command undoes it",
  flags: {
    rw: { type: "boolean", doc: "Allow writing" },
    platform: { type: "string", value: "OS/ARCH[/VARIANT]", doc: "Mount the image of another platform" },
    ...snapshotterFlag,
  },
  args: [2, 2],
  missing: "please provide an image reference and a target path to mount it on",
  examples: ["docker.io/library/busybox:latest /mnt"],
  async run(context, { values, args: [ref = "", directory = ""] }) {
    const { namespace, out, cwd } = context;
    const target = resolve(cwd, directory);
    const request = defined({ namespace, name: fullName(ref), platform: checkPlatform(values.platform) });
    const supervisor = await context.supervisor();
    await requireOwnSnapshotter(context, supervisor, values.snapshotter);
    const { chainId } = await supervisor.call("images.resolve", request);
    // The snapshot has the target's name, so that unmount --rm finds it.
    const snapshot = { namespace, key: target, parent: chainId };
    const { mounts } = await supervisor.call(values.rw ? "snapshots.prepare" : "snapshots.view", snapshot);
    try {
      const { mountSnapshot } = await import("@gantry/native-sys");
      mountSnapshot(mounts, target);
    } catch (error) {
      await supervisor.call("snapshots.remove", { namespace, key: target });
      throw error;
    }
    out.print(chainId);
    out.print(directory);
    return 0;
  },
});
