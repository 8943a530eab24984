import { eachCommand } from "../each-command.ts";

export const command = eachCommand({
  object: "VOLUME",
  summary: "Remove one or more volumes",
  flags: { force: { type: "boolean", short: "f", doc: "Force the removal of one or more volumes" } },
  examples: ["data"],
  call: (engine, name, { force }) => engine.call("volumeRemove", { Name: name, Force: force }),
});
