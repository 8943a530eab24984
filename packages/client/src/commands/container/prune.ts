import { Clock } from "@gantry/common/clock";
import { withUnixTimes } from "../../parse/filters.ts";
import { pruneCommand } from "../prune-command.ts";

export const command = pruneCommand({
  summary: "Remove all stopped containers",
  filters: "until=TIME, label=NAME, label!=NAME",
  examples: ["-f", "--filter until=24h"],
  objects: () => "all stopped containers",
  heading: "Deleted Containers",
  convert: (filters) => withUnixTimes(filters, new Clock().nowNs()),
  async prune(engine, request) {
    const { ContainersDeleted, SpaceReclaimed } = await engine.call("containerPrune", request);
    return { deleted: ContainersDeleted, reclaimed: SpaceReclaimed };
  },
});
