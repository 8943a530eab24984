import { defined } from "@gantry/cli";
import { eachCommand } from "../each-command.ts";
import { stopFlags } from "./stop-flags.ts";

export const command = eachCommand({
  object: "CONTAINER",
  summary: "Stop one or more running containers",
  flags: stopFlags,
  examples: ["web"],
  call: (engine, name, { signal, time }) =>
    engine.call("containerStop", defined({ Id: name, Signal: signal, Timeout: time })),
});
