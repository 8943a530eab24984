import { defined } from "@gantry/cli";
import { type Context, defineCommand } from "../../command.ts";
import { parseSignal } from "../../parse/signal.ts";
import { stopSignalLabel } from "../../run/create-container.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  summary: "Signal a container: by default its image's stop signal, else SIGTERM",
  flags: {
    signal: { type: "string", short: "s", value: "SIGNAL", doc: "Signal to send, by name or number" },
    "exec-id": { type: "string", value: "ID", doc: "Signal this process" },
    all: { type: "boolean", short: "a", doc: "Send the signal to all processes of the container" },
  },
  args: [1, 1],
  missing: "container id must be provided",
  examples: ["redis", "-s KILL --exec-id shell redis"],
  async run(context, { values, args: [containerId = ""] }) {
    const { namespace } = context;
    const given = values.signal === undefined ? undefined : parseSignal(values.signal);
    const signal = given ?? (await stopSignal(context, containerId));
    const request = { namespace, containerId, execId: values["exec-id"], signal, all: values.all || undefined };
    await (await context.supervisor()).call("tasks.kill", defined(request));
    return 0;
  },
});

async function stopSignal({ namespace, supervisor }: Context, id: string): Promise<number> {
  const { labels } = await (await supervisor()).call("containers.get", { namespace, id });
  return parseSignal(labels[stopSignalLabel] ?? "SIGTERM");
}
