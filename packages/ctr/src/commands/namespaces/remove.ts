import { isRpcError } from "@gantry/ipc/contracts/errors";
import { anyNumber, defineCommand } from "../../command.ts";
import { forEach } from "../../supervisor/failure.ts";

export const command = defineCommand({
  usage: "[OPTIONS] NAME...",
  summary: "Remove one or more namespaces, which must be empty",
  flags: { cgroup: { type: "boolean", short: "c", doc: "Remove the namespace's cgroup, too" } },
  args: [1, anyNumber],
  missing: "please specify a namespace",
  examples: ["team", "--cgroup team"],
  async run(context, { values, args }) {
    const also = values.cgroup ? { cgroup: true } : {};
    const supervisor = await context.supervisor();
    return await forEach(context, args, async (name) => {
      try {
        await supervisor.call("namespaces.delete", { name, ...also });
      } catch (error) {
        // A missing one needs no removal.
        if (!isRpcError(error, "NotFound")) throw error;
      }
      context.out.print(name);
    });
  },
});
