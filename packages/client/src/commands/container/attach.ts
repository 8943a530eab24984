import { startSession } from "@gantry/cli/session";
import { checkInputTerminal, terminalSize } from "@gantry/cli/terminal";
import { CommandError, defineCommand } from "../../command.ts";
import { detachKeys } from "../../config/settings.ts";
import type { Engine } from "../../engine/connect.ts";
import { openAttach } from "../../run/attach.ts";
import { inspectForAttach } from "../../run/inspect-container.ts";
import { exitCodeOf } from "../../run/run-container.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER",
  summary: "Attach local standard input, output, and error streams to a running container",
  flags: {
    "detach-keys": { type: "string", value: "KEYS", doc: "Override the key sequence for detaching a container" },
    "no-stdin": { type: "boolean", doc: "Do not attach STDIN" },
    "sig-proxy": { type: "boolean", default: true, doc: "Proxy all received signals to the process" },
  },
  args: [1, 1],
  examples: ["web", "--no-stdin web"],
  async run(context, { values, args: [name = ""] }) {
    const keys = await detachKeys(context, values["detach-keys"]);
    const engine = await context.engine();
    const container = await inspectForAttach(engine, name);
    if (!container.running) throw new CommandError("You cannot attach to a stopped container, start it first");
    if (container.paused) throw new CommandError("You cannot attach to a paused container, unpause it first");
    if (container.restarting) {
      throw new CommandError("You cannot attach to a restarting container, wait until it is running");
    }
    const { id, tty } = container;
    const stdin = container.openStdin && !values["no-stdin"];
    checkInputTerminal(tty, stdin);
    const stream = await openAttach(engine, { Id: id, Stdin: stdin, Stdout: true, Stderr: true });
    const kill = (signal: string) => engine.call("containerKill", { Id: id, Signal: signal });
    const session = startSession(context, stream, {
      tty,
      stdin,
      detachKeys: keys,
      resize: ({ height, width }) => engine.call("containerResize", { Id: id, Height: height, Width: width }),
      ...(values["sig-proxy"] && !tty ? { kill } : {}),
    });
    if (tty) await redraw(engine, id).catch((error: Error) => context.log.debug(error.message));
    const end = await session.end;
    if (end.kind === "detached") return 0;
    return end.kind === "signalled" ? end.exitCode : await exitCodeOf(engine, id, end);
  },
});

/** Sets the terminal's size to this terminal's; a change makes programs redraw, so that one is forced. */
async function redraw(engine: Engine, id: string): Promise<void> {
  const size = terminalSize();
  if (!size) return;
  await engine.call("containerResize", { Id: id, Height: size.height + 1, Width: size.width + 1 });
  await engine.call("containerResize", { Id: id, Height: size.height, Width: size.width });
}
