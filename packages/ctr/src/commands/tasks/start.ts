import { defineCommand } from "../../command.ts";
import { isTerminalSpec } from "../../run/create-container.ts";
import { runTask } from "../../tasks/run-task.ts";
import { ioFlags, planStreams } from "../../tasks/stdio.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  summary: "Start a container that has been created",
  flags: {
    "null-io": { type: "boolean", doc: "Connect the process's streams to /dev/null" },
    "pid-file": { type: "string", value: "FILE", doc: "Write the process's id to a file" },
    ...ioFlags,
  },
  args: [1, 1],
  missing: "container id must be provided",
  examples: ["-d redis", "shell"],
  async run(context, { values, args: [id = ""] }) {
    const supervisor = await context.supervisor();
    const { spec } = await supervisor.call("containers.get", { namespace: context.namespace, id });
    const plan = planStreams(context, values, isTerminalSpec(spec));
    return await runTask(context, { id, plan, pidFile: values["pid-file"] });
  },
});
