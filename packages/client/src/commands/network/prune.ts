import { pruneCommand } from "../prune-command.ts";

export const command = pruneCommand({
  summary: "Remove all unused networks",
  filters: "label=NAME",
  examples: ["-f"],
  objects: () => "all custom networks not used by at least one container",
  heading: "Deleted Networks",
  async prune(engine, request) {
    const { NetworksDeleted } = await engine.call("networkPrune", request);
    return { deleted: NetworksDeleted };
  },
});
