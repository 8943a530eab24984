import { anyNumber, defineCommand } from "../../command.ts";
import { table, wide } from "../../format/table.ts";
import { filtersOf } from "../../parse/filters.ts";

export const command = defineCommand({
  usage: "[OPTIONS] [FILTER...]",
  summary: "List containers, all or those that match a filter",
  flags: { quiet: { type: "boolean", short: "q", doc: "Print only the containers' ids" } },
  args: [0, anyNumber],
  examples: ["", "-q", "id~=redis"],
  async run({ namespace, out, supervisor: connect }, { values, args }) {
    const supervisor = await connect();
    const { containers } = await supervisor.call("containers.list", { namespace, ...filtersOf(args) });
    if (values.quiet) {
      for (const { id } of containers) out.print(id);
      return 0;
    }
    const rows = containers.map(({ id, image }) => [id, image || "-", "io.containerd.runc.v2"]);
    out.write(1, table([["CONTAINER", "IMAGE", "RUNTIME"], ...rows], wide));
    return 0;
  },
});
