import { resolve } from "node:path";
import { isRpcError } from "@gantry/ipc/contracts/errors";
import { CommandError, defineCommand } from "../../command.ts";

export const command = defineCommand({
  usage: "[OPTIONS] TARGET",
  summary: "Unmount an image's root file system from a path",
  flags: { rm: { type: "boolean", doc: "Remove the snapshot after a successful unmount" } },
  args: [1, 1],
  missing: "please provide a target path to unmount from",
  examples: ["/mnt", "--rm /mnt"],
  async run({ namespace, out, cwd, supervisor: connect }, { values, args: [directory = ""] }) {
    const target = resolve(cwd, directory);
    const { isSystemError, nativeSys, UMOUNT_NOFOLLOW } = await import("@gantry/native-sys");
    try {
      nativeSys().umount(target, UMOUNT_NOFOLLOW);
    } catch (error) {
      // Nothing is mounted there: no failure.
      if (isSystemError(error, "ENOENT")) throw new CommandError(`${directory}: no such file or directory`);
      if (!isSystemError(error, "EINVAL")) throw error;
    }
    if (values.rm) {
      const supervisor = await connect();
      await supervisor.call("snapshots.remove", { namespace, key: target }).catch((error: unknown) => {
        if (!isRpcError(error, "NotFound")) throw error;
      });
    }
    out.print(directory);
    return 0;
  },
});
