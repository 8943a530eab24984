import { anyNumber, defineCommand } from "../../command.ts";
import { forEach } from "../../supervisor/failure.ts";

export const command = defineCommand({
  usage: "[OPTIONS] LEASE...",
  summary: "Delete leases, and remove the resources that only they kept",
  flags: { sync: { type: "boolean", doc: "Return once they are removed" } },
  args: [1, anyNumber],
  missing: "please provide the id of a lease",
  examples: ["build", "--sync build"],
  async run(context, { values, args }) {
    const { namespace, out } = context;
    const supervisor = await context.supervisor();
    return await forEach(context, args, async (id) => {
      await supervisor.call("leases.delete", { namespace, id, ...(values.sync ? { sync: true } : {}) });
      out.print(id);
    });
  },
});
