import { isRpcError } from "@gantry/ipc/contracts/errors";
import { anyNumber, CommandError, defineCommand } from "../../command.ts";
import { fullName } from "../../images/name.ts";

export const command = defineCommand({
  usage: "[OPTIONS] SOURCE TARGET...",
  summary: "Give an image further names",
  flags: { force: { type: "boolean", doc: "Move a name that another image has" } },
  args: [2, anyNumber],
  missing: "please provide an image reference to tag from, and one to tag to",
  examples: ["docker.io/library/busybox:latest registry.example/tools/busybox:1", "--force busybox box"],
  async run(context, { values, args: [source = "", ...targets] }) {
    const { namespace, out } = context;
    const name = fullName(source);
    const names = targets.map(fullName);
    const supervisor = await context.supervisor();
    for (const newName of names) {
      if (!values.force && (await exists(newName))) {
        throw new CommandError(`image "${newName}": already exists (--force takes the name)`);
      }
      await supervisor.call("images.tag", { namespace, name, newName });
      out.print(newName);
    }
    return 0;

    async function exists(wanted: string): Promise<boolean> {
      try {
        await supervisor.call("images.get", { namespace, name: wanted });
        return true;
      } catch (error) {
        if (isRpcError(error, "NotFound")) return false;
        throw error;
      }
    }
  },
});
