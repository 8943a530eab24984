import { defined } from "@gantry/cli";
import { eachCommand } from "../each-command.ts";

export const command = eachCommand({
  object: "CONTAINER",
  summary: "Kill one or more running containers",
  flags: {
    signal: { type: "string", short: "s", value: "SIGNAL", doc: "Signal to send to the container, SIGKILL by default" },
  },
  examples: ["web"],
  call: (engine, name, { signal }) => engine.call("containerKill", defined({ Id: name, Signal: signal })),
});
