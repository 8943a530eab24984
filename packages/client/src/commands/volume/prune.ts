import { defined } from "@gantry/cli";
import { pruneCommand } from "../prune-command.ts";

export const command = pruneCommand({
  summary: "Remove unused local volumes",
  filters: "label=NAME",
  examples: ["-f"],
  flags: { all: { type: "boolean", short: "a", doc: "Remove all unused volumes, not just anonymous ones" } },
  objects: ({ all }) => `${all ? "all" : "anonymous"} local volumes not used by at least one container`,
  heading: "Deleted Volumes",
  async prune(engine, request, { all }) {
    const { VolumesDeleted, SpaceReclaimed } = await engine.call(
      "volumePrune",
      defined({ All: all === true || undefined, ...request }),
    );
    return { deleted: VolumesDeleted, reclaimed: SpaceReclaimed };
  },
});
