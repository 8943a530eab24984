import { anyNumber, defineCommand } from "../../command.ts";
import { table, wide } from "../../format/table.ts";
import { labelAt, parseFilters } from "../../images/filters.ts";

export const command = defineCommand({
  usage: "[OPTIONS] [FILTER...]",
  summary: "List containers, or those that one of the filters keeps",
  flags: { quiet: { type: "boolean", short: "q", doc: "Print only the containers' ids" } },
  args: [0, anyNumber],
  examples: ["", "-q", "id~=redis"],
  async run({ namespace, out, supervisor: connect }, { values, args }) {
    const keeps = parseFilters(args);
    const supervisor = await connect();
    const { containers } = await supervisor.call("containers.list", { namespace });
    const kept = containers.filter(({ id, image, labels }) =>
      keeps((path) => (path === "id" ? id : path === "image" ? image : labelAt(labels, path))),
    );
    if (values.quiet) {
      for (const { id } of kept) out.print(id);
      return 0;
    }
    const rows = kept.map(({ id, image }) => [id, image || "-", "io.containerd.runc.v2"]);
    out.write(1, table([["CONTAINER", "IMAGE", "RUNTIME"], ...rows], wide));
    return 0;
  },
});
