import { eachCommand } from "../each-command.ts";

export const command = eachCommand({
  object: "CONTAINER",
  summary: "Unpause all processes within one or more containers",
  flags: {},
  examples: ["web"],
  call: (engine, name) => engine.call("containerUnpause", { Id: name }),
});
