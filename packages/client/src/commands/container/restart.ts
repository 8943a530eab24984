import { defined } from "@gantry/cli";
import { eachCommand } from "../each-command.ts";
import { stopFlags } from "./stop-flags.ts";

export const command = eachCommand({
  object: "CONTAINER",
  summary: "Restart one or more containers",
  flags: stopFlags,
  examples: ["web"],
  call: (engine, name, { signal, time }) =>
    engine.call("containerRestart", defined({ Id: name, Signal: signal, Timeout: time })),
});
