import { defined } from "@gantry/cli";
import { startSession } from "@gantry/cli/session";
import { checkInputTerminal, terminalSize } from "@gantry/cli/terminal";
import { anyNumber, CommandError, type Context, defineCommand } from "../../command.ts";
import { detachKeys } from "../../config/settings.ts";
import { describeFailure } from "../../engine/failure.ts";
import { collectEnv } from "../../parse/env.ts";
import { asSession } from "../../run/attach.ts";
import { engineFailed, startExitCode } from "../../run/failure.ts";

export const command = defineCommand({
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  summary: "Execute a command in a running container",
  flags: {
    detach: { type: "boolean", short: "d", doc: "Detached mode: run command in the background" },
    "detach-keys": { type: "string", value: "KEYS", doc: "Override the key sequence for detaching" },
    env: { type: "list", short: "e", value: "NAME[=VALUE]", doc: "Set environment variables" },
    "env-file": { type: "list", value: "FILE", doc: "Read in a file of environment variables" },
    interactive: { type: "boolean", short: "i", doc: "Keep STDIN open even if not attached" },
    privileged: { type: "boolean", doc: "Give extended privileges to the command" },
    tty: { type: "boolean", short: "t", doc: "Allocate a pseudo-TTY" },
    user: { type: "string", short: "u", value: "USER[:GROUP]", doc: "Name or id of the user and group" },
    workdir: { type: "string", short: "w", value: "DIR", doc: "Working directory inside the container" },
  },
  args: [2, anyNumber],
  stopAtPositional: true,
  examples: ["web ls /", "-it web sh"],
  async run(context, { values, args: [container = "", ...args] }) {
    const { detach, tty } = values;
    const stdin = values.interactive && !detach;
    const keys = await detachKeys(context, values["detach-keys"]);
    const env = collectEnv(values["env-file"], values.env, context.env);
    if (!detach) checkInputTerminal(tty, stdin);
    const size = tty ? terminalSize() : undefined;
    const request = defined({
      Id: container,
      Cmd: args,
      AttachStdin: stdin,
      AttachStdout: !detach,
      AttachStderr: !detach,
      Tty: tty,
      Env: env.length > 0 ? env : undefined,
      User: values.user,
      WorkingDir: values.workdir,
      Privileged: values.privileged || undefined,
      ConsoleSize: size ? ([size.height, size.width] as [number, number]) : undefined,
    });
    const engine = await context.engine();
    const { Id } = await engine.call("execCreate", request);
    const stream = engine.open("execStart", { Id, Detach: detach });
    try {
      if (detach) {
        await stream.result;
        return 0;
      }
      const session = startSession(context, asSession(stream), {
        tty,
        stdin,
        detachKeys: keys,
        resize: ({ height, width }) => engine.call("execResize", { Id, Height: height, Width: width }),
      });
      const end = await session.end;
      if (end.kind === "detached") return 0;
      return end.exitCode ?? 0;
    } catch (error) {
      throw await execFailure(error, context);
    }
  },
});

/** A command that could not be started ends with its own exit code, any other failure with 1. */
async function execFailure(error: unknown, context: Context): Promise<unknown> {
  const exitCode = startExitCode(error);
  if (exitCode === engineFailed) return error;
  return new CommandError((await describeFailure(error, context)).message, exitCode);
}
